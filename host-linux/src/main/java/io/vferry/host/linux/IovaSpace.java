package io.vferry.host.linux;

import io.vferry.spi.memory.MemoryRange;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * What can be mapped for DMA.
 *
 * @param ranges ascending, whole pages
 * @param pageSizeBytes granularity of mappings
 */
public record IovaSpace(List<MemoryRange> ranges, long pageSizeBytes) {

  /**
   * The processor's page size where VFIO is used; memory of a process comes in no smaller pieces.
   */
  public static final long SMALLEST_PAGE_BYTES = 4096;

  /** Creates a description; the list is copied. */
  public IovaSpace {
    ranges = List.copyOf(ranges);
  }

  /**
   * First and last address as the kernel gives them, both inside.
   *
   * @param first unsigned
   * @param last unsigned
   */
  public record Bounds(long first, long last) {}

  /** Cuts what the kernel gives to whole pages. */
  public static IovaSpace of(List<Bounds> bounds, long granularityBytes) {
    long page = Math.max(granularityBytes, SMALLEST_PAGE_BYTES);
    List<MemoryRange> ranges = new ArrayList<>();
    for (Bounds bound : bounds) {
      long first = (bound.first + page - 1) & -page;
      if (Long.compareUnsigned(first, bound.first) < 0) {
        continue;
      }
      // The last page of 2^64 bytes is left out: a length of 2^64 cannot be expressed.
      long end = (bound.last == -1 ? bound.last : bound.last + 1) & -page;
      if (Long.compareUnsigned(end, first) > 0) {
        ranges.add(new MemoryRange(first, end - first));
      }
    }
    ranges.sort(Comparator.comparing(MemoryRange::start, Long::compareUnsigned));
    return new IovaSpace(ranges, page);
  }
}
