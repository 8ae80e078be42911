package io.vferry.vendor.sim;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceParameters;

/**
 * What goes wrong with a save stream on its way out of the driver, for tests.
 *
 * @param corruptAt offset of the byte in which one bit flips; -1 none
 * @param truncateAt offset at which the stream pretends to end; -1 none
 */
record SimStreamFaults(long corruptAt, long truncateAt) {

  static SimStreamFaults read(DeviceParameters parameters) throws MigrationException {
    return new SimStreamFaults(
        parameters.bytes("corrupt-at", -1, 0, 1L << 40),
        parameters.bytes("truncate-at", -1, 0, 1L << 40));
  }
}
