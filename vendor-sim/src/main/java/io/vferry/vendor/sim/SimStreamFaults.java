package io.vferry.vendor.sim;

import io.vferry.spi.error.MigrationException;

/**
 * What goes wrong with a save stream on its way out of the driver, for tests.
 *
 * @param corruptAt offset of the byte in which one bit flips; -1 none
 * @param truncateAt offset at which the stream pretends to end; -1 none
 */
record SimStreamFaults(long corruptAt, long truncateAt) {

  static SimStreamFaults read(SimParameters parameters) throws MigrationException {
    return new SimStreamFaults(
        parameters.size("corrupt-at", -1, 0, 1L << 40),
        parameters.size("truncate-at", -1, 0, 1L << 40));
  }
}
