package io.vferry.runtime.engine;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.migration.Event;
import io.vferry.runtime.migration.Problem;
import io.vferry.runtime.migration.StreamSummary;
import io.vferry.runtime.transport.Chunk;
import io.vferry.runtime.transport.ChunkListener;
import io.vferry.runtime.transport.ChunkReorderer;
import io.vferry.runtime.transport.Credit;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.GuestMemory;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.vm.GuestAudit;
import io.vferry.spi.vm.VirtualMachine;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The agent of the VM on the destination. Memory is put in its place by the threads that read the
 * connections; only what concerns the VM itself is done at a step.
 */
final class MemorySink extends MemoryMover implements ChunkListener {

  private static final int MAX_PLATFORM_BYTES = 64 << 20;

  private final VirtualMachine vm;
  private final GuestMemory memory;
  private final List<MemoryRange> layout;
  private final Consumer<Event> events;
  private final int platformStream;
  private final IncomingStream memoryAccount;
  private final IncomingStream platformAccount;
  private final ChunkReorderer platformOrder;
  private final ByteArrayOutputStream platform = new ByteArrayOutputStream();
  private volatile boolean dropping;

  MemorySink(VirtualMachine vm, int devices, Consumer<Event> events) {
    super(events);
    this.vm = vm;
    this.memory = vm.memory();
    this.layout = memory.layout();
    this.events = events;
    this.platformStream = devices + 1;
    this.memoryAccount = new IncomingStream(Chunk.MEMORY_STREAM, "guest memory");
    this.platformAccount = new IncomingStream(platformStream, "platform state");
    this.platformOrder = new ChunkReorderer(platformStream, this::platformChunk);
  }

  @Override
  public String name() {
    return "vm";
  }

  @Override
  long movedBytes() {
    return memoryAccount.bytes();
  }

  @Override
  public void chunk(Chunk chunk, ByteBuffer payload, Credit credit) throws MigrationException {
    if (chunk.stream() == platformStream) {
      platformOrder.chunk(chunk, payload, credit);
      return;
    }
    try {
      if (!dropping) {
        memory.slice(target(chunk)).put(payload);
        memoryAccount.taken(chunk);
      }
    } finally {
      credit.release();
    }
    whole(memoryAccount);
  }

  private MemoryRange target(Chunk chunk) throws MigrationException {
    MemoryRange range;
    try {
      range = new MemoryRange(chunk.address(), chunk.lengthBytes());
    } catch (IllegalArgumentException e) {
      throw new MigrationException(
          RuntimeError.PROTOCOL_VIOLATION, "the source sent memory at a wrong place", e);
    }
    if (layout.stream().noneMatch(known -> known.contains(range))) {
      throw new MigrationException(
          RuntimeError.PROTOCOL_VIOLATION,
          "the source sent memory for " + range + ", where the guest has none");
    }
    return range;
  }

  private void platformChunk(Chunk chunk, ByteBuffer payload, Credit credit)
      throws MigrationException {
    try {
      if (platform.size() + payload.remaining() > MAX_PLATFORM_BYTES) {
        throw new MigrationException(
            RuntimeError.PROTOCOL_VIOLATION,
            "the source sent more than " + MAX_PLATFORM_BYTES + " bytes of platform state");
      }
      byte[] bytes = new byte[payload.remaining()];
      payload.get(bytes);
      platform.writeBytes(bytes);
      platformAccount.taken(chunk);
    } finally {
      credit.release();
    }
    whole(platformAccount);
  }

  void expect(StreamSummary summary) {
    IncomingStream account = summary.stream() == platformStream ? platformAccount : memoryAccount;
    account.expect(summary);
    try {
      whole(account);
    } catch (MigrationException e) {
      events.accept(new Event.StreamFailed(summary.stream(), Problem.of(e)));
    }
  }

  private void whole(IncomingStream account) throws MigrationException {
    account.whole().ifPresent(stream -> events.accept(new Event.StreamLoaded(stream)));
  }

  @Override
  void stopTransfer() {
    dropping = true;
    platformOrder.discard();
  }

  void loadPlatform() {
    call(
        () -> {
          vm.loadPlatform(ByteBuffer.wrap(platform.toByteArray()).asReadOnlyBuffer());
          events.accept(new Event.PlatformLoaded());
        });
  }

  void audit() {
    call(
        () -> {
          Optional<GuestAudit> audit = vm.audit();
          GuestAudit.Verdict verdict =
              audit.isPresent() ? audit.get().audit() : new GuestAudit.Verdict(Map.of(), List.of());
          events.accept(new Event.Audited(verdict, audit.isPresent()));
        });
  }

  @Override
  void resume() {
    call(
        () -> {
          vm.resume();
          events.accept(new Event.VmResumed());
        });
  }
}
