package io.vferry.runtime.transport;

import io.vferry.spi.host.HostClock;

/** Remembers since when something waits for the other side. One thread writes, any may ask. */
final class Progress {

  private static final long IDLE = Long.MIN_VALUE;

  private final HostClock clock;
  private volatile long sinceNanos = IDLE;

  Progress(HostClock clock) {
    this.clock = clock;
  }

  /** From now on the other side has to do something, or something more. */
  void expected() {
    sinceNanos = clock.nanoTime();
  }

  /** As {@link #expected}, but only if nothing was expected before. */
  void resumed() {
    if (sinceNanos == IDLE) {
      expected();
    }
  }

  /** Nothing is expected of it. */
  void idle() {
    sinceNanos = IDLE;
  }

  /** Returns for how long nothing happened that should; 0 if nothing should. */
  long stalledNanos() {
    long since = sinceNanos;
    return since == IDLE ? 0 : Math.max(0, clock.nanoTime() - since);
  }
}
