package io.vferry.host.linux;

import io.vferry.spi.memory.MemoryRange;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** What a device is told to log, as devices want to be told. */
public final class LoggedRanges {

  private LoggedRanges() {}

  /** Widens ranges to whole pages and joins those that touch, as the kernel refuses overlaps. */
  public static List<MemoryRange> wholePages(List<MemoryRange> ranges, long pageSizeBytes) {
    List<MemoryRange> sorted = new ArrayList<>(ranges);
    sorted.sort(Comparator.comparing(MemoryRange::start, Long::compareUnsigned));
    List<MemoryRange> whole = new ArrayList<>();
    for (MemoryRange range : sorted) {
      long first = range.start() & -pageSizeBytes;
      long last = range.last() | (pageSizeBytes - 1);
      if (!whole.isEmpty()) {
        MemoryRange before = whole.get(whole.size() - 1);
        if (Long.compareUnsigned(first, before.last()) <= 0 || first == before.last() + 1) {
          long joined = Long.compareUnsigned(last, before.last()) > 0 ? last : before.last();
          whole.set(whole.size() - 1, new MemoryRange(before.start(), joined - before.start() + 1));
          continue;
        }
      }
      whole.add(new MemoryRange(first, last - first + 1));
    }
    return whole;
  }
}
