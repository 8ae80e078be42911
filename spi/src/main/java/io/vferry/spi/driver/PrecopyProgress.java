package io.vferry.spi.driver;

import io.vferry.spi.error.MigrationException;

/** Optional feature: says how far a pre-copy is. Each device with pre-copy has it. */
public interface PrecopyProgress {

  /**
   * What is left to read. Estimates, never trusted.
   *
   * @param initialBytes of the first image; reaching 0 once is what makes a short stop-copy
   * @param dirtyBytes that changed since they were read
   * @param reinitialised whether the first image was begun anew since the last call, so that {@code
   *     initialBytes} may have grown
   */
  record Remaining(long initialBytes, long dirtyBytes, boolean reinitialised) {}

  /**
   * Asks the device. Some devices produce new data only when asked, so a reader that got {@code
   * NOTHING_NOW} asks before it reads again.
   *
   * @throws MigrationException {@code WRONG_STATE} outside PRE_COPY and PRE_COPY_P2P
   */
  Remaining remaining() throws MigrationException;
}
