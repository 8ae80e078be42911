package io.vferry.spi.driver;

import io.vferry.spi.error.MigrationException;

/**
 * Optional feature: says how far a pre-copy is. Each device with pre-copy has it. May be called
 * while another thread reads the save stream.
 *
 * <p>Source: {@code VFIO_MIG_GET_PRECOPY_INFO} in Linux 6.12, {@code include/uapi/linux/vfio.h};
 * the flag that says a first image was begun anew came with later kernels.
 */
public interface PrecopyProgress {

  /**
   * What is left to read. Estimates, never trusted.
   *
   * @param initialBytes bytes of the first image, 0 or more; reaching 0 once is what makes a short
   *     stop-copy
   * @param dirtyBytes bytes that changed since they were read, 0 or more
   * @param reinitialised whether the first image was begun anew since the last call, so that {@code
   *     initialBytes} may have grown
   */
  record Remaining(long initialBytes, long dirtyBytes, boolean reinitialised) {}

  /**
   * Asks the device. Some devices produce new data only when asked, so a reader that got {@code
   * NOTHING_NOW} asks before it reads again.
   *
   * @return one answer; both numbers 0 mean that there is nothing to read now
   * @throws MigrationException {@code WRONG_STATE} outside PRE_COPY and PRE_COPY_P2P, {@code
   *     SESSION_CLOSED} if the session ended, {@code IO_FAILED} otherwise
   */
  Remaining remaining() throws MigrationException;
}
