package io.vferry.runtime.engine;

import io.vferry.runtime.migration.Event;
import io.vferry.runtime.transport.Chunk;
import io.vferry.runtime.transport.ChunkPool;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.GuestMemory;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.vm.VirtualMachine;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.OptionalLong;

/**
 * The agent of the VM on the source: operates the VM, and sends its memory one chunk at a step.
 *
 * <p>A look at the dirty logs goes over all devices' agents first, each of which reads its own log,
 * and ends here with the log of the vCPUs.
 */
final class MemorySource extends MemoryMover {

  /** How much of memory is sent before progress is told. */
  private static final long TELL_BYTES = 4 << 20;

  private final VirtualMachine vm;
  private final GuestMemory memory;
  private final List<SavingDevice> devices;
  private final SendContext context;
  private final DirtyMemory dirty;
  private final OutgoingStream out;
  private final OutgoingStream platform;
  private final Deque<MemoryRange> toSend = new ArrayDeque<>();
  private boolean sending;
  private boolean guestStopped;
  private boolean lastRound;
  private long roundBeganBytes;

  /** How many were sent when progress was told last. */
  private long toldBytes;

  MemorySource(VirtualMachine vm, List<SavingDevice> devices, SendContext context) {
    super(context.events());
    this.vm = vm;
    this.memory = vm.memory();
    this.devices = devices;
    this.context = context;
    this.dirty = new DirtyMemory(memory);
    this.out = new OutgoingStream(Chunk.MEMORY_STREAM, context.sender());
    this.platform = new OutgoingStream(devices.size() + 1, context.sender());
  }

  @Override
  public String name() {
    return "memory";
  }

  @Override
  long movedBytes() {
    return out.bytes();
  }

  void startLog() {
    call(
        () -> {
          vm.startDirtyLog();
          afterEachDevice(
              (device, done) -> device.startLog(memory.layout(), memory.pageSizeBytes(), done),
              () -> context.events().accept(new Event.DirtyLogStarted()));
        });
  }

  void stopLog() {
    call(
        () -> {
          vm.stopDirtyLog();
          afterEachDevice(
              SavingDevice::stopLog, () -> context.events().accept(new Event.DirtyLogStopped()));
        });
  }

  /** One thing that each device is asked to do. */
  @FunctionalInterface
  private interface DeviceCall {
    void run(SavingDevice device, Runnable done);
  }

  /** Asks all devices at once, and goes on, on this agent, when the last has answered. */
  private void afterEachDevice(DeviceCall deviceCall, Runnable then) {
    int[] open = {devices.size()};
    if (devices.isEmpty()) {
      then.run();
      return;
    }
    for (SavingDevice device : devices) {
      deviceCall.run(
          device,
          () ->
              call(
                  () -> {
                    if (--open[0] == 0) {
                      then.run();
                    }
                  }));
    }
  }

  /** Reads all logs. */
  void sync() {
    call(
        () ->
            collect(
                (newBytes, sizes) ->
                    context
                        .events()
                        .accept(new Event.MemorySynced(dirty.dirtyBytes(), newBytes, sizes))));
  }

  private interface Collected {
    void done(long newBytes, List<OptionalLong> sizes);
  }

  private void collect(Collected then) {
    List<DirtyBitmap> fresh = dirty.blank();
    List<OptionalLong> sizes = new ArrayList<>();
    devices.forEach(device -> sizes.add(OptionalLong.empty()));
    int[] open = {devices.size()};
    if (devices.isEmpty()) {
      collectVcpus(fresh, sizes, then);
      return;
    }
    for (int i = 0; i < devices.size(); i++) {
      int number = i;
      List<DirtyBitmap> own = dirty.blank();
      devices
          .get(i)
          .collect(
              own,
              size ->
                  call(
                      () -> {
                        sizes.set(number, size);
                        unite(fresh, own);
                        if (--open[0] == 0) {
                          collectVcpus(fresh, sizes, then);
                        }
                      }));
    }
  }

  private static void unite(List<DirtyBitmap> all, List<DirtyBitmap> own) {
    for (int i = 0; i < all.size(); i++) {
      all.get(i).markAllOf(own.get(i));
    }
  }

  private void collectVcpus(List<DirtyBitmap> fresh, List<OptionalLong> sizes, Collected then) {
    for (DirtyBitmap bitmap : fresh) {
      try {
        vm.reportDirty(bitmap);
      } catch (MigrationException e) {
        bitmap.markAll();
      }
    }
    dirty.add(fresh);
    then.done(DirtyMemory.bytes(fresh), sizes);
  }

  /** Sends what is known to be dirty, or everything. */
  void send(boolean everything) {
    call(
        () -> {
          if (everything) {
            dirty.addEverything();
          }
          beginRound(false);
        });
  }

  /** Reads the logs a last time and sends what is left; the guest and its devices are stopped. */
  void sendLast() {
    call(() -> collect((newBytes, sizes) -> beginRound(true)));
  }

  private void beginRound(boolean last) {
    lastRound = last;
    sending = true;
    roundBeganBytes = out.bytes();
    toldBytes = roundBeganBytes;
    toSend.addAll(dirty.take());
  }

  void settlePageRequests(long timeoutMillis) {
    call(
        () -> {
          vm.settlePageRequests(timeoutMillis * 1_000_000);
          context.events().accept(new Event.PageRequestsSettled());
        });
  }

  void pause() {
    call(
        () -> {
          vm.pause();
          guestStopped = true;
          context.events().accept(new Event.VmPaused());
        });
  }

  @Override
  void resume() {
    call(
        () -> {
          guestStopped = false;
          vm.resume();
          context.events().accept(new Event.VmResumed());
        });
  }

  void sendPlatform() {
    call(
        () -> {
          ByteBuffer state = vm.savePlatform();
          while (state.hasRemaining()) {
            int length = Math.min(Chunk.DEFAULT_LENGTH_BYTES, state.remaining());
            platform.send(0, state.slice(state.position(), length), () -> {});
            state.position(state.position() + length);
          }
          context.events().accept(new Event.PlatformSent(platform.summary()));
        });
  }

  @Override
  void stopTransfer() {
    call(this::stopSending);
  }

  private void stopSending() {
    sending = false;
    toSend.clear();
  }

  @Override
  void failed() {
    stopSending();
  }

  @Override
  boolean move() throws MigrationException, InterruptedException {
    if (!sending) {
      return false;
    }
    sendNext();
    return true;
  }

  private void sendNext() throws MigrationException, InterruptedException {
    if (out.bytes() - toldBytes >= TELL_BYTES) {
      context.events().accept(new Event.MemoryProgress(out.bytes() - toldBytes));
      toldBytes = out.bytes();
    }
    MemoryRange run = toSend.poll();
    if (run == null) {
      sending = false;
      context
          .events()
          .accept(
              lastRound
                  ? new Event.MemoryEnded(out.summary())
                  : new Event.MemorySent(out.bytes() - roundBeganBytes));
      return;
    }
    long toBorder = Chunk.MEMORY_BLOCK_BYTES - (run.start() & (Chunk.MEMORY_BLOCK_BYTES - 1));
    int length = (int) Math.min(Math.min(run.length(), toBorder), Chunk.DEFAULT_LENGTH_BYTES);
    if (length < run.length()) {
      toSend.addFirst(new MemoryRange(run.start() + length, run.length() - length));
    }
    ByteBuffer page = memory.slice(new MemoryRange(run.start(), length));
    if (guestStopped) {
      out.send(run.start(), page, () -> {});
      return;
    }
    // The guest writes on: a copy keeps checksum and bytes together.
    ChunkPool.Lease lease = context.pool().acquire(length);
    lease.buffer().put(page).flip();
    out.send(run.start(), lease.buffer(), lease::release);
  }
}
