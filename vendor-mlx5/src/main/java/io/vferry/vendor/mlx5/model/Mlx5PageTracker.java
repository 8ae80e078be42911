package io.vferry.vendor.mlx5.model;

import io.vferry.spi.memory.MemoryRange;
import java.util.BitSet;
import java.util.List;
import java.util.TreeMap;

/** A page tracker: which pages of some ranges its function wrote to. The card's lock guards it. */
final class Mlx5PageTracker {

  /** States as they stand in the object; Linux 6.12, {@code include/linux/mlx5/mlx5_ifc.h}. */
  enum State {
    TRACKING,
    REPORTING,
    ERROR
  }

  private static final int PART_SHIFT = 20;

  final int id;
  final Mlx5VirtualFunction function;
  final int logMessage;
  final int queuePair;
  private final List<MemoryRange> ranges;
  private final int logPage;
  private final TreeMap<Long, BitSet> parts = new TreeMap<>();
  State state = State.TRACKING;

  Mlx5PageTracker(
      int id,
      Mlx5VirtualFunction function,
      List<MemoryRange> ranges,
      int logPage,
      int logMessage,
      int queuePair) {
    this.id = id;
    this.function = function;
    this.ranges = List.copyOf(ranges);
    this.logPage = logPage;
    this.logMessage = logMessage;
    this.queuePair = queuePair;
  }

  int logPage() {
    return logPage;
  }

  List<MemoryRange> ranges() {
    return ranges;
  }

  /** The function wrote. */
  void written(long address, int length) {
    MemoryRange written = new MemoryRange(address, length);
    for (MemoryRange range : ranges) {
      if (range.overlaps(written)) {
        long first = Math.max(address, range.start()) >>> logPage;
        long last = Math.min(written.last(), range.last()) >>> logPage;
        for (long page = first; page <= last; page++) {
          parts
              .computeIfAbsent(page >>> PART_SHIFT, part -> new BitSet())
              .set((int) (page & ((1 << PART_SHIFT) - 1)));
        }
      }
    }
  }

  /** Returns the first page at or after one that was written, or -1 if there is none up to last. */
  long next(long page, long last) {
    long at = page;
    while (at <= last) {
      var part = parts.ceilingEntry(at >>> PART_SHIFT);
      if (part == null) {
        return -1;
      }
      long base = part.getKey() << PART_SHIFT;
      int bit = part.getValue().nextSetBit((int) (Math.max(at, base) - base));
      if (bit >= 0) {
        return base + bit <= last ? base + bit : -1;
      }
      at = base + (1 << PART_SHIFT);
    }
    return -1;
  }

  void clear(long page) {
    BitSet part = parts.get(page >>> PART_SHIFT);
    if (part != null) {
      part.clear((int) (page & ((1 << PART_SHIFT) - 1)));
    }
  }
}
