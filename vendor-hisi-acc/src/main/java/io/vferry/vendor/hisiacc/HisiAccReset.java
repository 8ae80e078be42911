package io.vferry.vendor.hisiacc;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;

/**
 * Resets a function, one of a chip at a time: two resets that overlap make the chip time out. From
 * version 5 on doorbells are discarded meanwhile, since one that arrives in a reset is an error.
 */
final class HisiAccReset {

  private static final long STEP_NANOS = 1_000_000;

  /** As Linux 7.3 waits, which then goes on without its turn. */
  private static final long TURN_LIMIT_NANOS = 60_000_000_000L;

  private final HisiAccFunction function;
  private final HostDevice host;
  private final HisiAccShare share;

  HisiAccReset(HisiAccFunction function, HostDevice host, HisiAccShare share) {
    this.function = function;
    this.host = host;
    this.share = share;
  }

  void run() throws MigrationException {
    boolean turn =
        function
            .polling()
            .until(STEP_NANOS, TURN_LIMIT_NANOS, () -> share.takeResetTurn(function.name()));
    if (!turn) {
      throw new MigrationException(
          DeviceError.RESET_FAILED,
          "%s was not reset: the reset of %s, on the same chip, does not come to an end"
              .formatted(function.name(), share.resetting()));
    }
    try {
      reset();
    } finally {
      share.giveResetTurnBack(function.name());
    }
  }

  private void reset() throws MigrationException {
    boolean discard = function.pf().version() >= HisiAccNumbers.QM_V5;
    if (discard) {
      function.vf().discardDoorbells(true);
    }
    host.reset();
    if (discard) {
      function.vf().discardDoorbells(false);
    }
  }
}
