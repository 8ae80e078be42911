package io.vferry.vendor.mlx5;

import io.vferry.spi.memory.MemoryRange;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Makes few ranges out of many, as the device can watch only some. */
final class TrackedRanges {

  private TrackedRanges() {}

  /**
   * Merges neighbours with the smallest gap between them until few enough are left; the first of
   * equal gaps goes first. Source: Linux 6.12, {@code drivers/vfio/pci/vfio_main.c} and {@code
   * drivers/vfio/pci/mlx5/cmd.c}, {@code combine_ranges}.
   *
   * @param ranges disjoint, at least one
   * @param most at least 1
   */
  static List<MemoryRange> merge(List<MemoryRange> ranges, int most) {
    List<MemoryRange> merged = new ArrayList<>(ranges);
    merged.sort((a, b) -> Long.compareUnsigned(a.start(), b.start()));
    if (most == 1) {
      return List.of(span(merged.get(0), merged.get(merged.size() - 1)));
    }
    while (merged.size() > most) {
      int at = smallestGap(merged);
      merged.set(at, span(merged.get(at), merged.get(at + 1)));
      merged.remove(at + 1);
    }
    return List.copyOf(merged);
  }

  private static int smallestGap(List<MemoryRange> ranges) {
    int at = 0;
    for (int i = 1; i + 1 < ranges.size(); i++) {
      if (Long.compareUnsigned(gapAfter(ranges, i), gapAfter(ranges, at)) < 0) {
        at = i;
      }
    }
    return at;
  }

  private static long gapAfter(List<MemoryRange> ranges, int index) {
    return ranges.get(index + 1).start() - ranges.get(index).last();
  }

  private static MemoryRange span(MemoryRange first, MemoryRange last) {
    return new MemoryRange(first.start(), last.last() - first.start() + 1);
  }

  /** Returns log2 of the sum of the lengths, rounded up; 64 if it does not fit. */
  static int logSpace(List<MemoryRange> ranges) {
    long sum = 0;
    for (MemoryRange range : ranges) {
      long next = sum + range.length();
      if (Long.compareUnsigned(next, sum) < 0) {
        return 64;
      }
      sum = next;
    }
    return 64 - Long.numberOfLeadingZeros(sum - 1);
  }

  /** Whether no two ranges share an address. */
  static boolean disjoint(List<MemoryRange> ranges) {
    List<MemoryRange> sorted = new ArrayList<>(ranges);
    sorted.sort(Comparator.comparing(MemoryRange::start, Long::compareUnsigned));
    for (int i = 0; i + 1 < sorted.size(); i++) {
      if (sorted.get(i).overlaps(sorted.get(i + 1))) {
        return false;
      }
    }
    return true;
  }
}
