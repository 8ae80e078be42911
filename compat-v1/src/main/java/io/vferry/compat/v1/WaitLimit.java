package io.vferry.compat.v1;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import org.jspecify.annotations.Nullable;

/**
 * Ends waits that take too long. One task of the clock watches all waits of one owner, so that a
 * wait that ends in time costs next to nothing.
 *
 * <p>One thread waits at a time; any thread may cut its wait off.
 */
final class WaitLimit {

  /** Something that may wait. */
  @FunctionalInterface
  interface Wait<T> {
    T await() throws MigrationException;
  }

  private enum Outcome {
    IN_TIME,
    TOO_LATE,
    CUT
  }

  private final HostClock clock;
  private final long limitNanos;
  private @Nullable Runnable ending;
  private @Nullable Thread waiter;
  private long beganNanos;
  private boolean watched;
  private Outcome outcome = Outcome.IN_TIME;

  /**
   * Creates a limit.
   *
   * @param limitNanos how long a wait may take, at least 1
   */
  WaitLimit(HostClock clock, long limitNanos) {
    this.clock = clock;
    this.limitNanos = limitNanos;
  }

  /**
   * Waits on this thread, which is interrupted when it takes too long or is cut off.
   *
   * @param what did not come to its end, for the error: "the arc x"
   */
  <T> T interrupting(String what, Wait<T> wait) throws MigrationException {
    begin(Thread.currentThread()::interrupt);
    try {
      return wait.await();
    } catch (MigrationException e) {
      throw told(end(), what, e);
    } finally {
      if (end() != Outcome.IN_TIME) {
        // It was for the wait, which is over.
        Thread.interrupted();
      }
    }
  }

  /**
   * Waits on this thread.
   *
   * @param what did not come to its end, for the error
   * @param endWait ends the wait from another thread, without blocking
   */
  <T> T ending(String what, Runnable endWait, Wait<T> wait) throws MigrationException {
    begin(endWait);
    try {
      return wait.await();
    } catch (MigrationException e) {
      throw told(end(), what, e);
    } finally {
      end();
    }
  }

  /**
   * Ends the wait that goes on, if there is one. Any thread; the one that waits, which gets here
   * when it runs the clock's tasks meanwhile, goes on waiting.
   */
  synchronized void cut() {
    Runnable endWait = ending;
    if (endWait != null && waiter != Thread.currentThread()) {
      ending = null;
      outcome = Outcome.CUT;
      endWait.run();
    }
  }

  private MigrationException told(Outcome how, String what, MigrationException cause) {
    return switch (how) {
      case IN_TIME -> cause;
      case TOO_LATE ->
          new MigrationException(DeviceError.TIMEOUT, lateness(what), cause)
              .withErrno(V1Errno.ETIMEDOUT.number());
      case CUT ->
          new MigrationException(
                  DeviceError.SESSION_CLOSED, what + " was called off while it waited", cause)
              .withErrno(V1Errno.ENODEV.number());
    };
  }

  private String lateness(String what) {
    return "%s did not come to an end in %d ms".formatted(what, limitNanos / 1_000_000);
  }

  /**
   * Sleeps a little between two questions.
   *
   * @param what is asked for, for the error
   * @param sinceNanos when it was asked for first
   * @throws MigrationException {@code TIMEOUT} if that is too long ago, {@code INTERRUPTED}
   */
  void pause(String what, long sinceNanos, long pauseNanos) throws MigrationException {
    if (clock.nanoTime() - sinceNanos >= limitNanos) {
      throw new MigrationException(DeviceError.TIMEOUT, lateness(what))
          .withErrno(V1Errno.ETIMEDOUT.number());
    }
    try {
      clock.sleep(pauseNanos);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MigrationException(
              DeviceError.INTERRUPTED, "the wait for " + what + " was interrupted", e)
          .withErrno(V1Errno.EINTR.number());
    }
  }

  long now() {
    return clock.nanoTime();
  }

  private synchronized void begin(Runnable endWait) {
    ending = endWait;
    waiter = Thread.currentThread();
    beganNanos = clock.nanoTime();
    outcome = Outcome.IN_TIME;
    if (!watched) {
      watched = true;
      clock.schedule(limitNanos, this::look);
    }
  }

  private synchronized Outcome end() {
    ending = null;
    waiter = null;
    return outcome;
  }

  private synchronized void look() {
    Runnable endWait = ending;
    if (endWait == null) {
      watched = false;
      return;
    }
    long leftNanos = limitNanos - (clock.nanoTime() - beganNanos);
    if (leftNanos > 0) {
      clock.schedule(leftNanos, this::look);
      return;
    }
    watched = false;
    ending = null;
    outcome = Outcome.TOO_LATE;
    // Inside the lock, so that a wait that has ended meanwhile is not interrupted.
    endWait.run();
  }
}
