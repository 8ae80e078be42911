package io.vferry.runtime.engine;

import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.GuestMemory;
import io.vferry.spi.memory.MemoryRange;
import java.util.ArrayList;
import java.util.List;

/** Which guest memory the destination does not have yet: a bitmap for each range of the layout. */
final class DirtyMemory {

  /** One piece of a bitmap covers at most this much, so that any layout fits. */
  private static final long MAX_RANGE_BYTES = 1L << 40;

  private final long pageSizeBytes;
  private final List<DirtyBitmap> bitmaps;

  DirtyMemory(GuestMemory memory) {
    this.pageSizeBytes = memory.pageSizeBytes();
    this.bitmaps = emptyBitmaps(memory.layout(), pageSizeBytes);
  }

  private static List<DirtyBitmap> emptyBitmaps(List<MemoryRange> layout, long pageSizeBytes) {
    List<DirtyBitmap> bitmaps = new ArrayList<>();
    for (MemoryRange range : layout) {
      for (long at = 0; at < range.length(); at += MAX_RANGE_BYTES) {
        long length = Math.min(MAX_RANGE_BYTES, range.length() - at);
        bitmaps.add(new DirtyBitmap(new MemoryRange(range.start() + at, length), pageSizeBytes));
      }
    }
    return List.copyOf(bitmaps);
  }

  /** Returns bitmaps of the same shape, with nothing marked. */
  List<DirtyBitmap> blank() {
    List<DirtyBitmap> twins = new ArrayList<>();
    for (DirtyBitmap bitmap : bitmaps) {
      twins.add(new DirtyBitmap(bitmap.range(), pageSizeBytes));
    }
    return twins;
  }

  /** Adds what was found dirty. */
  void add(List<DirtyBitmap> fresh) {
    for (int i = 0; i < fresh.size(); i++) {
      bitmaps.get(i).markAllOf(fresh.get(i));
    }
  }

  void addEverything() {
    bitmaps.forEach(DirtyBitmap::markAll);
  }

  /** Returns the runs of dirty memory, ascending, and forgets them. */
  List<MemoryRange> take() {
    List<MemoryRange> runs = new ArrayList<>();
    for (DirtyBitmap bitmap : bitmaps) {
      MemoryRange range = bitmap.range();
      bitmap.forEachRun(
          (first, count) -> {
            long offset = first * pageSizeBytes;
            long length = Math.min(count * pageSizeBytes, range.length() - offset);
            runs.add(new MemoryRange(range.start() + offset, length));
          });
      bitmap.clear();
    }
    return runs;
  }

  static long bytes(List<DirtyBitmap> bitmaps) {
    long sum = 0;
    for (DirtyBitmap bitmap : bitmaps) {
      sum += Math.min(bitmap.dirtyPages() * bitmap.pageSizeBytes(), bitmap.range().length());
    }
    return sum;
  }

  long dirtyBytes() {
    return bytes(bitmaps);
  }
}
