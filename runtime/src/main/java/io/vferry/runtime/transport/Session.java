package io.vferry.runtime.transport;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * What the two kinds of session have in common: the control connection, the threads, and the ways
 * in which a session ends.
 *
 * <p>It ends in good order with a goodbye on both sides, or with the first failure, of which the
 * other side is told if the control connection still works. In both cases all connections are
 * closed and all threads end within the close deadline.
 */
abstract class Session implements ControlReader.Events {

  /**
   * How long a broken data connection waits for the reason to arrive on the control connection,
   * before the break itself is the reason.
   */
  private static final long GRACE_NANOS = 300_000_000;

  private final Link control;
  private final List<Link> data;
  private final TransportSettings settings;
  private final HostClock clock;
  private final ThreadFactory threads;
  private final SessionFailure failure = new SessionFailure();
  private final ControlOutbox outbox;
  private final ControlInbox inbox;
  private final ControlReader controlReader;
  private final Watchdog watchdog;
  private final AtomicBoolean closing = new AtomicBoolean();
  private final CountDownLatch quiet = new CountDownLatch(1);

  /** Threads that have not ended, and one for the session until it is closed. */
  private int holders = 1;

  private volatile boolean goodbyeSeen;

  private final ControlChannel channel =
      new ControlChannel() {
        @Override
        public void send(byte[] message) throws MigrationException, InterruptedException {
          outbox.send(message);
        }

        @Override
        public Optional<byte[]> receive() throws MigrationException, InterruptedException {
          return inbox.receive();
        }
      };

  Session(
      Link control,
      List<Link> data,
      TransportSettings settings,
      HostClock clock,
      ThreadFactory threads) {
    this.control = control;
    this.data = List.copyOf(data);
    this.settings = settings;
    this.clock = clock;
    this.threads = threads;
    this.outbox = new ControlOutbox(control, clock, failure);
    this.inbox = new ControlInbox(failure);
    this.controlReader = new ControlReader(control, inbox, this, clock, failure);
    this.watchdog = new Watchdog(clock, settings, outbox, this::fail);
    watchdog.watch(outbox);
    watchdog.watch(controlReader);
  }

  public final ControlChannel control() {
    return channel;
  }

  final SessionFailure failure() {
    return failure;
  }

  final ControlOutbox outbox() {
    return outbox;
  }

  final ControlInbox inbox() {
    return inbox;
  }

  final HostClock clock() {
    return clock;
  }

  final List<Link> data() {
    return data;
  }

  final String peer() {
    return control.peer();
  }

  final boolean goodbyeSeen() {
    return goodbyeSeen;
  }

  /** Starts the threads of the control connection. */
  final void startControl() {
    start(outbox, control);
    start(controlReader, control);
    watchdog.start();
  }

  /** Gives a loop a thread of its own. */
  final <L extends Loop & Stallable> void startData(L loop, Link link) {
    watchdog.watch(loop);
    start(loop, link);
  }

  private void start(Loop loop, Link link) {
    synchronized (this) {
      holders++;
    }
    Thread thread = threads.newThread(() -> run(loop, link));
    thread.setName("vferry-" + loop.name() + "-" + link.peer());
    thread.start();
  }

  private void run(Loop loop, Link link) {
    try {
      int work;
      do {
        work = loop.doWork();
        if (work == 0) {
          loop.awaitWork();
        }
      } while (work != Loop.FINISHED);
    } catch (MigrationException e) {
      fail(e);
    } catch (IOException e) {
      broken(link, loop, e);
    } catch (InterruptedException e) {
      fail(
          new MigrationException(
              RuntimeError.INTERNAL, "the thread " + loop.name() + " was interrupted", e));
    } catch (RuntimeException | Error e) {
      fail(
          new MigrationException(
              RuntimeError.INTERNAL, "the thread " + loop.name() + " met an exception: " + e, e));
    } finally {
      loop.finished();
      ended(loop);
      letGo();
    }
  }

  private synchronized void letGo() {
    holders--;
    if (holders == 0) {
      quiet.countDown();
    }
  }

  /** Called when a loop has ended, on its thread. */
  abstract void ended(Loop loop);

  /** Called when the session is to end in good order: nothing more is sent. */
  abstract void endData();

  private void broken(Link link, Loop loop, IOException e) {
    String text = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    MigrationException lost =
        new MigrationException(
            RuntimeError.TRANSPORT_LOST,
            "the connection to %s (%s) broke: %s".formatted(link.peer(), loop.name(), text),
            e);
    if (closing.get() || goodbyeSeen || failure.isSet()) {
      return;
    }
    if (link == control) {
      fail(lost);
    } else {
      clock.schedule(
          GRACE_NANOS,
          () -> {
            if (!closing.get() && !goodbyeSeen) {
              fail(lost);
            }
          });
    }
  }

  /** Ends the session because of a failure here. Never waits. */
  final void fail(MigrationException reason) {
    if (!failure.set(reason)) {
      return;
    }
    if (reason.code() == RuntimeError.TRANSPORT_STALLED) {
      closeLinks();
      return;
    }
    // The other side deserves the reason, but not for long.
    outbox.abort(reason.code().label() + ": " + reason.detail());
    clock.schedule(
        Math.min(GRACE_NANOS, TimeUnit.MILLISECONDS.toNanos(settings.closeDeadlineMillis())),
        this::closeLinks);
  }

  @Override
  public void aborted(String why) {
    if (failure.set(
        new MigrationException(
            RuntimeError.PEER_ABORTED, control.peer() + " ended the session: " + why))) {
      closeLinks();
    }
  }

  @Override
  public void goodbye() {
    goodbyeSeen = true;
  }

  private void closeLinks() {
    watchdog.stop();
    control.close();
    data.forEach(Link::close);
  }

  /** Closes the data connections only. */
  final void closeData() {
    data.forEach(Link::close);
  }

  /** Ends the session in good order. */
  public final void close() {
    if (!closing.compareAndSet(false, true)) {
      return;
    }
    endData();
    outbox.end();
    letGo();
    HostClock.Scheduled deadline =
        clock.schedule(
            TimeUnit.MILLISECONDS.toNanos(settings.closeDeadlineMillis()),
            () -> {
              closeLinks();
              quiet.countDown();
            });
    boolean interrupted = awaitQuiet();
    deadline.cancel();
    closeLinks();
    failure.set(
        new MigrationException(
            RuntimeError.TRANSPORT_CLOSED, "the session with " + peer() + " was closed here"));
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean awaitQuiet() {
    boolean interrupted = false;
    while (true) {
      try {
        quiet.await();
        return interrupted;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
  }
}
