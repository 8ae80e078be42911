package io.vferry.vendor.mlx5.model;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * What a virtual function does for its guest: numbered DMA writes, requests done once, messages to
 * peers, interrupts. The card's lock guards it.
 */
final class Mlx5GuestEngine {

  private static final long NANOS_PER_SECOND = 1_000_000_000L;
  private static final int MAX_PER_TICK = 4096;

  private final Mlx5VirtualFunction function;
  private final HostClock clock;
  private final Deque<Long> due = new ArrayDeque<>();
  private Mlx5GuestCore core;
  private HostClock.@Nullable Scheduled tick;
  private long lastNanos;
  private double dmaRest;
  private double messageRest;
  private int outstanding;
  private boolean draining;
  private boolean working;

  Mlx5GuestEngine(Mlx5VirtualFunction function, HostClock clock) {
    this.function = function;
    this.clock = clock;
    this.core = new Mlx5GuestCore(function.settings.seed);
  }

  Mlx5GuestCore core() {
    return core;
  }

  /** Returns how many messages left and did not arrive yet. */
  int outstanding() {
    return outstanding;
  }

  /** Whether the function may start transactions. */
  boolean active() {
    return core.enabled()
        && !function.initiatorSuspended
        && function.card.alive()
        && function.config.busMaster();
  }

  void powerOn() {
    core = new Mlx5GuestCore(function.settings.seed);
    due.clear();
    draining = false;
    update();
  }

  boolean draining() {
    return draining;
  }

  /** Starts no more; returns whether all that is under way has arrived. */
  boolean drain() {
    update();
    draining = outstanding > 0;
    return !draining;
  }

  void resume() {
    draining = false;
    update();
  }

  int coreBytes() {
    return core.encode().length;
  }

  byte[] encode() {
    return core.encode();
  }

  /** Takes over what another function's engine knew; returns whether it makes sense. */
  boolean decode(byte[] bytes, int length) {
    Mlx5GuestCore loaded = Mlx5GuestCore.decode(ByteBuffer.wrap(bytes, 0, length).slice());
    if (loaded == null) {
      return false;
    }
    core = loaded;
    due.clear();
    return true;
  }

  /** Starts or stops the work, as the function's condition says. */
  void update() {
    if (active() && tick == null && !working) {
      lastNanos = clock.nanoTime();
      schedule();
      deliverInterrupts();
    } else if (!active() && tick != null) {
      tick.cancel();
      tick = null;
    }
  }

  private void schedule() {
    tick = clock.schedule(function.settings.tickNanos, () -> function.card.act(this::tick));
  }

  private void tick() {
    if (tick == null || !active()) {
      return;
    }
    long now = clock.nanoTime();
    long elapsed = Math.min(now - lastNanos, NANOS_PER_SECOND);
    lastNanos = now;
    function.run();
    tick = null;
    working = true;
    try {
      writeMemory(elapsed);
      complete(now);
      fetch(now);
      if (active()) {
        send(elapsed);
      }
    } finally {
      working = false;
      // Registers may have been written while this waited for memory.
      if (active()) {
        schedule();
      }
    }
  }

  private long random() {
    core.random += 0x9e3779b97f4a7c15L;
    return Mlx5Pattern.mix(core.random);
  }

  private void writeMemory(long elapsed) {
    dmaRest +=
        (double) function.settings.dmaBytesPerSecond
            * elapsed
            / NANOS_PER_SECOND
            / Mlx5Pattern.PAGE_BYTES;
    int count = (int) Math.min(dmaRest, MAX_PER_TICK);
    dmaRest = Math.min(dmaRest - count, 1);
    ByteBuffer page = ByteBuffer.allocate(Mlx5Pattern.PAGE_BYTES);
    for (int write = 0; write < count && core.sequences.length > 0 && active(); write++) {
      int number = (int) Long.remainderUnsigned(random(), core.sequences.length);
      core.sequences[number]++;
      core.dmaWrites++;
      Mlx5Pattern.put(page.clear(), core.tag, number, core.sequences[number]);
      writeGuest(core.dmaBase + (long) number * Mlx5Pattern.PAGE_BYTES, page.flip());
    }
  }

  private void writeGuest(long address, ByteBuffer from) {
    if (!function.write(address, from)) {
      core.dmaFaults++;
    }
  }

  private static long entryAt(long ring, long index) {
    return ring + index % Mlx5GuestRegisters.RING_ENTRIES * Mlx5GuestRegisters.RING_ENTRY_BYTES;
  }

  private void fetch(long now) {
    while (active()
        && core.fetched < core.doorbell
        && core.inFlight.size() < Mlx5GuestCore.MAX_IN_FLIGHT) {
      byte[] bytes =
          function.iommu.read(
              entryAt(core.submissionRing, core.fetched), Mlx5GuestRegisters.RING_ENTRY_BYTES);
      core.fetched++;
      if (bytes == null) {
        core.dmaFaults++;
        continue;
      }
      ByteBuffer entry = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      long number = entry.getLong(0);
      long payload = entry.getLong(8);
      if (number != core.fetched || entry.getLong(16) != Mlx5Pattern.mix(number ^ payload)) {
        core.badRequests++;
      }
      core.inFlight.add(new Mlx5GuestCore.Request(core.fetched, payload));
      due.add(now + function.settings.taskNanos);
    }
  }

  private void complete(long now) {
    boolean any = false;
    while (due.size() < core.inFlight.size()) {
      // These were fetched on another host; they take their time anew.
      due.add(now + function.settings.taskNanos);
    }
    while (active() && !due.isEmpty() && due.element() <= now) {
      due.remove();
      Mlx5GuestCore.Request request = core.inFlight.remove();
      ByteBuffer entry =
          ByteBuffer.allocate(Mlx5GuestRegisters.RING_ENTRY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
      entry.putLong(0, request.number());
      entry.putLong(8, Mlx5Pattern.mix(request.payload()));
      entry.putLong(16, core.tag);
      writeGuest(entryAt(core.completionRing, core.completed), entry);
      core.completed++;
      core.requestsDone++;
      any = true;
    }
    if (any) {
      raise(Mlx5GuestRegisters.VECTOR_DONE);
    }
  }

  private void send(long elapsed) {
    messageRest += (double) function.settings.messagesPerSecond * elapsed / NANOS_PER_SECOND;
    int count = (int) Math.min(messageRest, MAX_PER_TICK);
    messageRest = Math.min(messageRest - count, 1);
    for (Mlx5GuestCore.Peer peer : core.peers) {
      for (int message = 0; message < count && peer.address != 0; message++) {
        peer.sent++;
        outstanding++;
        ByteBuffer bytes =
            ByteBuffer.allocateDirect(Mlx5GuestRegisters.MESSAGE_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(0, peer.key).putLong(8, peer.sent);
        bytes.putLong(16, Mlx5Pattern.mix(peer.key ^ peer.sent));
        send(peer.address, bytes);
      }
    }
  }

  private void send(long address, ByteBuffer message) {
    Mlx5Iommu.Destination destination =
        function.iommu.peer(address, Mlx5GuestRegisters.MESSAGE_BYTES);
    long born = function.resets;
    function.card.later(
        () -> {
          boolean arrived = false;
          if (destination != null) {
            try {
              destination.region().write(destination.offset(), message);
              arrived = true;
            } catch (MigrationException e) {
              // The device that sends learns no more than that nobody answered.
            }
          }
          boolean answered = arrived;
          function.card.act(() -> sent(born, answered));
        });
  }

  private void sent(long born, boolean arrived) {
    outstanding--;
    if (!arrived && born == function.resets) {
      core.dmaFaults++;
    }
  }

  /** A peer's message arrives. */
  void receive(ByteBuffer bytes) {
    if (bytes.remaining() != Mlx5GuestRegisters.MESSAGE_BYTES) {
      return;
    }
    if (function.responderSuspended) {
      core.messagesWhileStopped++;
      return;
    }
    ByteBuffer message = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    long key = message.getLong(0);
    long number = message.getLong(8);
    if (message.getLong(16) != Mlx5Pattern.mix(key ^ number) || !core.received(key, number)) {
      core.messageGaps++;
    }
    raise(Mlx5GuestRegisters.VECTOR_MAIL);
  }

  private void raise(int vector) {
    int bit = 1 << vector;
    if ((core.irqCause & bit) == 0) {
      core.irqCause |= bit;
      core.irqPending |= bit;
    }
    deliverInterrupts();
  }

  /** Hands over what is pending to whoever listens. */
  void deliverInterrupts() {
    if (!active()) {
      return;
    }
    int now = core.irqPending & function.interrupts.deliverable();
    if (now == 0) {
      return;
    }
    core.irqPending &= ~now;
    outstanding++;
    function.card.later(
        () -> {
          function.interrupts.deliver(now);
          function.card.act(() -> outstanding--);
        });
  }

  long get(int register) {
    int peer = register - Mlx5GuestRegisters.PEER;
    if (peer >= 0 && peer < Mlx5GuestRegisters.PEERS * Mlx5GuestRegisters.PEER_STRIDE) {
      Mlx5GuestCore.Peer at = core.peers[peer / Mlx5GuestRegisters.PEER_STRIDE];
      return peer % Mlx5GuestRegisters.PEER_STRIDE == 0 ? at.address : at.key;
    }
    return switch (register) {
      case Mlx5GuestRegisters.CONTROL -> core.control;
      case Mlx5GuestRegisters.TAG -> core.tag;
      case Mlx5GuestRegisters.SUBMISSION_RING -> core.submissionRing;
      case Mlx5GuestRegisters.COMPLETION_RING -> core.completionRing;
      case Mlx5GuestRegisters.DOORBELL -> core.doorbell;
      case Mlx5GuestRegisters.DMA_BASE -> core.dmaBase;
      case Mlx5GuestRegisters.DMA_PAGES -> core.sequences.length;
      case Mlx5GuestRegisters.DMA_PAGES_WISHED -> function.settings.dmaPages;
      case Mlx5GuestRegisters.REQUEST_RATE -> function.settings.tasksPerSecond;
      case Mlx5GuestRegisters.SCRATCH -> core.scratch;
      case Mlx5GuestRegisters.INTERRUPT_CAUSE -> {
        long causes = core.irqCause;
        core.irqCause = 0;
        yield causes;
      }
      default -> 0;
    };
  }

  void set(int register, long value) {
    int peer = register - Mlx5GuestRegisters.PEER;
    if (peer >= 0 && peer < Mlx5GuestRegisters.PEERS * Mlx5GuestRegisters.PEER_STRIDE) {
      setPeer(core.peers[peer / Mlx5GuestRegisters.PEER_STRIDE], peer, value);
      return;
    }
    switch (register) {
      case Mlx5GuestRegisters.CONTROL -> {
        core.control = value & 1;
        if (core.enabled()) {
          function.boot();
        }
        update();
      }
      case Mlx5GuestRegisters.TAG -> core.tag = value;
      case Mlx5GuestRegisters.SUBMISSION_RING -> core.submissionRing = value;
      case Mlx5GuestRegisters.COMPLETION_RING -> core.completionRing = value;
      case Mlx5GuestRegisters.DOORBELL -> core.doorbell = Math.max(core.doorbell, value);
      case Mlx5GuestRegisters.DMA_BASE -> core.dmaBase = value;
      case Mlx5GuestRegisters.DMA_PAGES ->
          core.sequences =
              new long[(int) Math.max(0, Math.min(value, Mlx5FunctionSettings.MAX_DMA_PAGES))];
      case Mlx5GuestRegisters.SCRATCH -> core.scratch = value;
      default -> {
        // Nothing is there, or it cannot be written.
      }
    }
  }

  private static void setPeer(Mlx5GuestCore.Peer at, int offset, long value) {
    if (offset % Mlx5GuestRegisters.PEER_STRIDE == 0) {
      at.address = value;
    } else {
      at.key = value;
      at.sent = 0;
    }
  }
}
