package io.vferry.vendor.mlx5.queue;

import io.vferry.vendor.mlx5.prm.InitSegment;

/**
 * How long the firmware says a command may take. Source: Linux 6.12, {@code
 * drivers/net/ethernet/mellanox/mlx5/core/lib/tout.c}.
 */
final class CommandTimeout {

  private static final long DEFAULT_NANOS = 60_000_000_000L;

  /** No answer is awaited longer than this, whatever the firmware says. */
  private static final long LONGEST_NANOS = 600_000_000_000L;

  private static final long MILLIS = 1_000_000L;
  private static final long SECONDS = 1000 * MILLIS;
  private static final long[] MULTIPLIERS_NANOS = {MILLIS, SECONDS, 60 * SECONDS, 3600 * SECONDS};

  private CommandTimeout() {}

  static long read(FunctionRegisters registers) throws CommandException {
    if (registers.read(InitSegment.CMD_Q_INIT_TO) == 0) {
      return DEFAULT_NANOS;
    }
    int advised = registers.read(InitSegment.CMD_EXEC_TO);
    long value = advised & 0xfffff;
    long multiplier = MULTIPLIERS_NANOS[advised >>> 29 & 3];
    return value == 0 ? DEFAULT_NANOS : Math.min(LONGEST_NANOS, value * multiplier);
  }
}
