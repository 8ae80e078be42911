package io.vferry.runtime;

import io.vferry.spi.host.HostClock;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/** Has something looked at ten times a second. */
final class Ticker {

  private static final long PERIOD_NANOS = 100_000_000;

  private final HostClock clock;
  private final LongConsumer task;
  private boolean stopped;
  private HostClock.@Nullable Scheduled next;

  /**
   * Creates a ticker that stands.
   *
   * @param task is given the time; called by one thread at a time
   */
  Ticker(HostClock clock, LongConsumer task) {
    this.clock = clock;
    this.task = task;
  }

  synchronized void start() {
    if (!stopped) {
      next = clock.schedule(PERIOD_NANOS, this::tick);
    }
  }

  private synchronized void tick() {
    if (!stopped) {
      task.accept(clock.nanoTime());
      start();
    }
  }

  synchronized void stop() {
    stopped = true;
    if (next != null) {
      next.cancel();
    }
  }
}
