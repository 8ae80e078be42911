package io.vferry.vendor.hisiacc;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;

/**
 * The queues that the physical function gave to a function.
 *
 * @param first number of the first one in the chip
 * @param count how many, at least 1
 */
record HisiAccQueues(int first, int count) {

  /**
   * Reads an entry of the table.
   *
   * @param function for messages
   * @throws MigrationException {@code NOT_MIGRATABLE} if the function has none; the count alone
   *     cannot say so, since it is written less one
   */
  static HisiAccQueues decode(long entry, int function) throws MigrationException {
    if ((entry >>> HisiAccNumbers.VFT_VALID_SHIFT & 1) == 0) {
      throw new MigrationException(
          DeviceError.NOT_MIGRATABLE,
          "function %d has no queues: the physical function gave it none".formatted(function));
    }
    return new HisiAccQueues(
        (int) (entry >>> HisiAccNumbers.VFT_BASE_SHIFT & 0xffff),
        (int) (entry >>> HisiAccNumbers.VFT_COUNT_SHIFT & HisiAccNumbers.VFT_COUNT_MASK) + 1);
  }
}
