package io.vferry.runtime.engine;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.migration.Event;
import io.vferry.runtime.migration.Problem;
import io.vferry.runtime.migration.StreamSummary;
import io.vferry.runtime.transport.Chunk;
import io.vferry.runtime.transport.ChunkListener;
import io.vferry.runtime.transport.ChunkReorderer;
import io.vferry.runtime.transport.Credit;
import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The agent of one device on the destination: performs its arcs and gives it its data in order.
 *
 * <p>Data that arrive after the device has failed are dropped, so that the connection does not
 * stand still and the failure can be told.
 */
final class LoadingDevice implements DeviceMover, ChunkListener {

  private record Arrived(Chunk chunk, ByteBuffer payload, Credit credit) {}

  private record Watch(int generation, long chunks) {}

  private final OpenDevice device;
  private final Consumer<Event> events;
  private final ArcPerformer performer;
  private final Mailbox<Runnable> mailbox = new Mailbox<>();
  private final Mailbox<Arrived> arrived = new Mailbox<>();
  private final ChunkReorderer order;
  private final IncomingStream account;
  private volatile @Nullable LoadStream stream;
  private @Nullable Watch watch;
  private boolean dropping;

  LoadingDevice(OpenDevice device, Consumer<Event> events) {
    this.device = device;
    this.events = events;
    this.performer = new ArcPerformer(device, events);
    this.order =
        new ChunkReorderer(
            device.stream(),
            (chunk, payload, credit) -> arrived.put(new Arrived(chunk, payload, credit)));
    this.account = new IncomingStream(device.stream(), "device " + device.id());
  }

  @Override
  public String name() {
    return "load-" + device.id();
  }

  @Override
  public long idleNanos() {
    return Long.MAX_VALUE;
  }

  @Override
  public void wakes(AgentHost.Waker waker) {
    mailbox.wakes(waker);
    arrived.wakes(waker);
  }

  @Override
  public long movedBytes() {
    return account.bytes();
  }

  @Override
  public void chunk(Chunk chunk, ByteBuffer payload, Credit credit) throws MigrationException {
    order.chunk(chunk, payload, credit);
  }

  @Override
  public void perform(Arc arc) {
    mailbox.put(
        () -> {
          if (arc.endsStream()) {
            closeStream();
          }
          Optional<ArcOutcome> outcome = performer.perform(arc);
          if (outcome.isEmpty()) {
            return;
          }
          if (outcome.get() instanceof ArcOutcome.Loading loading) {
            stream = loading.stream();
          }
          events.accept(new Event.ArcDone(device.number(), arc));
        });
  }

  @Override
  public void reset(AgentHost host) {
    if (performer.inArc()) {
      host.runAside(performer::reset);
    } else {
      mailbox.put(
          () -> {
            closeStream();
            performer.reset();
          });
    }
  }

  void watch(int generation, long chunks) {
    mailbox.put(
        () -> {
          watch = new Watch(generation, chunks);
          checkWatch();
        });
  }

  void expect(StreamSummary summary) {
    mailbox.put(
        () -> {
          account.expect(summary);
          checkWhole();
        });
  }

  @Override
  public void stopTransfer() {
    LoadStream open = stream;
    if (open != null) {
      open.close();
    }
    mailbox.put(
        () -> {
          dropping = true;
          order.discard();
          closeStream();
        });
  }

  @Override
  public boolean step() {
    Runnable task = mailbox.poll();
    if (task != null) {
      task.run();
      return true;
    }
    Arrived next = arrived.poll();
    if (next == null) {
      return false;
    }
    try {
      if (!dropping) {
        take(next);
      }
    } catch (MigrationException e) {
      fail(e);
    } finally {
      next.credit().release();
    }
    return true;
  }

  private void take(Arrived next) throws MigrationException {
    LoadStream open = stream;
    if (open == null) {
      throw new MigrationException(
          RuntimeError.PROTOCOL_VIOLATION,
          "data came for device " + device.id() + " while it was not resuming");
    }
    open.write(next.payload());
    account.taken(next.chunk());
    checkWatch();
    checkWhole();
  }

  private void checkWatch() {
    Watch waiting = watch;
    if (waiting != null && account.chunks() >= waiting.chunks()) {
      watch = null;
      events.accept(new Event.InitialLoaded(device.number(), waiting.generation()));
    }
  }

  private void checkWhole() {
    try {
      account.whole().ifPresent(number -> events.accept(new Event.StreamLoaded(number)));
    } catch (MigrationException e) {
      fail(e);
    }
  }

  private void fail(MigrationException e) {
    dropping = true;
    events.accept(
        new Event.StreamFailed(device.stream(), Problem.of(device.id(), performer.named(e))));
  }

  private void closeStream() {
    LoadStream open = stream;
    stream = null;
    if (open != null) {
      open.close();
    }
  }
}
