package io.vferry.vendor.mlx5.queue;

import io.vferry.spi.host.HostClock;
import org.jspecify.annotations.Nullable;

/**
 * Looks at a function from time to time, also when nobody waits for it: at its health, and at what
 * it asks for without an interrupt. Period: Linux 6.12, {@code
 * drivers/net/ethernet/mellanox/mlx5/core/health.c}. Any thread.
 */
final class HealthPoll {

  private static final long PERIOD_NANOS = 2_000_000_000L;

  private final CommandQueue queue;
  private HostClock.@Nullable Scheduled next;
  private boolean ended;

  HealthPoll(CommandQueue queue) {
    this.queue = queue;
  }

  /** Looks after a period, and again after each one, until the function is lost. */
  synchronized void begin() {
    if (!ended) {
      next = queue.clock().schedule(PERIOD_NANOS, this::look);
    }
  }

  private void look() {
    try {
      queue.check();
      queue.progress();
    } catch (CommandException e) {
      // All that is under way has failed with it, and so does all that comes.
      return;
    }
    begin();
  }

  /** Does not look again. */
  synchronized void end() {
    ended = true;
    if (next != null) {
      next.cancel();
      next = null;
    }
  }
}
