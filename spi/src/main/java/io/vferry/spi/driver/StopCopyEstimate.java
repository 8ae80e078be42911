package io.vferry.spi.driver;

import io.vferry.spi.error.MigrationException;
import java.util.OptionalLong;

/** Optional feature: estimates what is left for the stop-copy phase. Works in each state. */
public interface StopCopyEstimate {

  /**
   * Asks the device.
   *
   * @return bytes, 0 or more, an estimate that is never trusted; empty if the device cannot tell
   *     now
   * @throws MigrationException {@code IO_FAILED} if the device could not be asked
   */
  OptionalLong stopCopyBytes() throws MigrationException;
}
