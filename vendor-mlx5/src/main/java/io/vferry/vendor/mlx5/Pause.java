package io.vferry.vendor.mlx5;

import io.vferry.vendor.mlx5.queue.CommandException;
import io.vferry.vendor.mlx5.queue.CommandQueue;

/** Waits between two looks at something that the device will do; for one wait of one thread. */
final class Pause {

  private static final int SPINS = 64;
  private static final long FIRST_NANOS = 20_000;
  private static final long LONGEST_NANOS = 500_000;
  private static final int LOOKS_BETWEEN_HEALTH_CHECKS = 8;

  private final CommandQueue queue;
  private long nanos = FIRST_NANOS;
  private int looks;

  Pause(CommandQueue queue) {
    this.queue = queue;
  }

  /**
   * Waits a little.
   *
   * @throws CommandException {@code LOST} if the physical function died meanwhile
   */
  void once() throws InterruptedException, CommandException {
    looks++;
    if (looks < SPINS) {
      Thread.onSpinWait();
      return;
    }
    if (looks % LOOKS_BETWEEN_HEALTH_CHECKS == 0) {
      queue.check();
    }
    queue.clock().sleep(nanos);
    nanos = Math.min(LONGEST_NANOS, nanos + nanos / 4);
  }
}
