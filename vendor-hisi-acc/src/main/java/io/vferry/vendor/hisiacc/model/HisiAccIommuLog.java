package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import java.util.Iterator;
import java.util.List;
import java.util.TreeSet;

/** The host's log of what a function wrote: the dirty bits of its IOMMU. Any thread. */
final class HisiAccIommuLog implements DmaLog {

  private static final int MIN_PAGE_BYTES = 4096;

  private final TreeSet<Long> pages = new TreeSet<>();
  private long pageBytes = MIN_PAGE_BYTES;
  private boolean on;

  @Override
  public synchronized long start(List<MemoryRange> iovaRanges, long pageSizeBytes)
      throws MigrationException {
    if (on) {
      throw new MigrationException(DeviceError.WRONG_STATE, "the IOMMU's dirty log is on already");
    }
    if (Long.bitCount(pageSizeBytes) != 1 || pageSizeBytes < MIN_PAGE_BYTES) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "page size %d of a DMA log is no power of two from %d up"
              .formatted(pageSizeBytes, MIN_PAGE_BYTES));
    }
    on = true;
    pageBytes = pageSizeBytes;
    pages.clear();
    return pageBytes;
  }

  @Override
  public synchronized void stop() {
    on = false;
    pages.clear();
  }

  @Override
  public synchronized void report(DirtyBitmap into) throws MigrationException {
    if (!on) {
      throw new MigrationException(DeviceError.DMA_LOG_FAILED, "the IOMMU's dirty log is off");
    }
    Iterator<Long> all = pages.iterator();
    while (all.hasNext()) {
      MemoryRange page = new MemoryRange(all.next() * pageBytes, pageBytes);
      if (into.range().overlaps(page)) {
        into.mark(page);
        all.remove();
      }
    }
  }

  synchronized void written(long address, int length) {
    if (on) {
      for (long page = address / pageBytes; page <= (address + length - 1) / pageBytes; page++) {
        pages.add(page);
      }
    }
  }
}
