package io.vferry.spi.memory;

import io.vferry.spi.error.MigrationException;
import java.util.List;

/**
 * A device's log of the memory it wrote by DMA.
 *
 * <p>Independent of the device state: it works in each state, and changes of state do not clear it.
 * Only writes count. After any failure of {@link #report} or {@link #start} the log is void and the
 * caller takes all memory for dirty. Source: {@code VFIO_DEVICE_FEATURE_DMA_LOGGING_*}, Linux 6.12,
 * {@code include/uapi/linux/vfio.h}.
 *
 * <p>One thread at a time.
 */
public interface DmaLog {

  /**
   * Starts logging.
   *
   * @param iovaRanges I/O virtual ranges to watch, disjoint; a device may watch more than asked
   * @param pageSizeBytes the page size wished for: a power of two, at least 4096
   * @return the page size in bytes the device really uses, which may be larger
   * @throws MigrationException {@code WRONG_STATE} if logging is on already, {@code
   *     OUT_OF_RESOURCES} if the device cannot watch so much
   */
  long start(List<MemoryRange> iovaRanges, long pageSizeBytes) throws MigrationException;

  /**
   * Stops logging and forgets what was logged. Does nothing if logging is off.
   *
   * @throws MigrationException {@code DMA_LOG_FAILED}; logging counts as off all the same
   */
  void stop() throws MigrationException;

  /**
   * Sets the bits of the pages inside the bitmap's range that were written since they were last
   * reported or since the start, and forgets these pages; pages outside stay remembered.
   *
   * @param into covers I/O virtual addresses; only ever gets bits set
   * @throws MigrationException {@code DMA_LOG_FAILED}; the log is void then
   */
  void report(DirtyBitmap into) throws MigrationException;
}
