package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Which pages the device wrote, page by page. Any thread. */
final class SimDmaLog implements DmaLog {

  private static final int MAX_RANGES = 4096;

  private @Nullable List<MemoryRange> watched;
  private long pageSizeBytes = SimPattern.PAGE_BYTES;
  private final Set<Long> dirtyPages = new HashSet<>();

  @Override
  public synchronized long start(List<MemoryRange> iovaRanges, long wishedBytes)
      throws MigrationException {
    if (watched != null) {
      throw new MigrationException(
          DeviceError.WRONG_STATE, "DMA logging of the simulated device is on already");
    }
    if (Long.bitCount(wishedBytes) != 1 || wishedBytes < SimPattern.PAGE_BYTES) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "page size " + wishedBytes + " of a DMA log is no power of two from 4096 up");
    }
    if (iovaRanges.size() > MAX_RANGES) {
      throw new MigrationException(
          DeviceError.OUT_OF_RESOURCES,
          iovaRanges.size() + " ranges to log; the simulated device can watch " + MAX_RANGES);
    }
    watched = List.copyOf(iovaRanges);
    pageSizeBytes = wishedBytes;
    return pageSizeBytes;
  }

  @Override
  public synchronized void stop() {
    watched = null;
    dirtyPages.clear();
  }

  @Override
  public synchronized void report(DirtyBitmap into) throws MigrationException {
    if (watched == null) {
      throw new MigrationException(
          DeviceError.DMA_LOG_FAILED, "DMA logging of the simulated device is off");
    }
    // What lies outside the bitmap is kept for the bitmap that covers it.
    dirtyPages.removeIf(
        address -> {
          MemoryRange page = new MemoryRange(address, SimPattern.PAGE_BYTES);
          boolean covered = into.range().overlaps(page);
          if (covered) {
            into.mark(new MemoryRange(address & -pageSizeBytes, pageSizeBytes));
          }
          return covered;
        });
  }

  /** Is told of each write of the device, inside one page. */
  synchronized void written(long address) {
    List<MemoryRange> ranges = watched;
    if (ranges == null) {
      return;
    }
    MemoryRange page = new MemoryRange(address & -SimPattern.PAGE_BYTES, SimPattern.PAGE_BYTES);
    for (MemoryRange range : ranges) {
      if (range.overlaps(page)) {
        dirtyPages.add(page.start());
        return;
      }
    }
  }
}
