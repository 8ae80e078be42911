package io.vferry.vendor.hisiacc;

import io.vferry.spi.error.MigrationException;

/** The session of a stream, which a reset of the function ends even if it went past the driver. */
@FunctionalInterface
interface HisiAccSession {

  /**
   * Looks whether the function was reset meanwhile; if so, its streams end.
   *
   * @throws MigrationException {@code DEVICE_LOST} or {@code IO_FAILED} if that cannot be found out
   */
  void look() throws MigrationException;
}
