package io.vferry.compat.v1;

import io.vferry.spi.host.HostClock;
import org.jspecify.annotations.Nullable;

/**
 * Ends waits that take too long. One task of the clock watches all waits of one owner, so that a
 * wait that ends in time costs next to nothing.
 */
final class WaitLimit {

  private final HostClock clock;
  private final long limitNanos;
  private @Nullable Runnable ending;
  private long beganNanos;
  private boolean watched;
  private boolean expired;

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
   * Says that a wait begins.
   *
   * @param endWait ends it from another thread, without blocking
   */
  synchronized void begin(Runnable endWait) {
    ending = endWait;
    beganNanos = clock.nanoTime();
    expired = false;
    if (!watched) {
      watched = true;
      clock.schedule(limitNanos, this::look);
    }
  }

  /**
   * Says that the wait is over.
   *
   * @return whether it was ended because it took too long
   */
  synchronized boolean end() {
    ending = null;
    return expired;
  }

  private void look() {
    Runnable endWait;
    synchronized (this) {
      endWait = ending;
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
      expired = true;
      ending = null;
    }
    endWait.run();
  }
}
