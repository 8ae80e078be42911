package io.vferry.spi.memory;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;

/**
 * Which pages of one memory range were written.
 *
 * <p>The format is that of {@code VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT} as implemented (Linux
 * 6.12, {@code drivers/vfio/iova_bitmap.c}): an array of 64-bit words in native order, bit <i>n</i>
 * for page <i>n</i> counted from the start of the range. Trackers only set bits, so several of them
 * may report into one bitmap and the result is their union.
 *
 * <p>Not thread-safe; one thread at a time.
 */
public final class DirtyBitmap {

  /** Receives runs of dirty pages. */
  @FunctionalInterface
  public interface RunVisitor {
    /**
     * Called for each longest run, in ascending order.
     *
     * @param firstPage page number relative to the start of the range
     * @param pageCount at least 1
     */
    void run(long firstPage, long pageCount);
  }

  private final MemoryRange range;
  private final long pageSizeBytes;
  private final long pages;
  private final ByteBuffer bytes;
  private final LongBuffer words;

  /**
   * Creates an empty bitmap in direct memory.
   *
   * @param range what it covers; at most 2<sup>33</sup> pages
   * @param pageSizeBytes a power of two
   * @throws IllegalArgumentException if the page size is no power of two or the range too large
   */
  public DirtyBitmap(MemoryRange range, long pageSizeBytes) {
    if (Long.bitCount(pageSizeBytes) != 1) {
      throw new IllegalArgumentException("page size " + pageSizeBytes + " is no power of two");
    }
    this.range = range;
    this.pageSizeBytes = pageSizeBytes;
    this.pages =
        ((range.length() - 1) >>> Long.numberOfTrailingZeros(pageSizeBytes)) + 1;
    long wordCount = (pages + 63) >>> 6;
    if (wordCount > Integer.MAX_VALUE / Long.BYTES) {
      throw new IllegalArgumentException(
          "a bitmap of " + pages + " pages is too large; split the range " + range);
    }
    this.bytes =
        ByteBuffer.allocateDirect((int) wordCount * Long.BYTES).order(ByteOrder.nativeOrder());
    this.words = bytes.asLongBuffer();
  }

  /** Returns what this bitmap covers. */
  public MemoryRange range() {
    return range;
  }

  /** Returns the page size in bytes. */
  public long pageSizeBytes() {
    return pageSizeBytes;
  }

  /** Returns the number of pages covered; the last may be covered in part. */
  public long pages() {
    return pages;
  }

  /** Returns the words as direct memory, for a tracker to set bits in. */
  public ByteBuffer words() {
    return bytes.duplicate().order(ByteOrder.nativeOrder());
  }

  /** Marks each page that the given range touches; parts outside this bitmap are ignored. */
  public void mark(MemoryRange written) {
    if (!range.overlaps(written)) {
      return;
    }
    int shift = Long.numberOfTrailingZeros(pageSizeBytes);
    long first =
        Long.compareUnsigned(written.start(), range.start()) <= 0
            ? 0
            : (written.start() - range.start()) >>> shift;
    long last =
        Long.compareUnsigned(written.last(), range.last()) >= 0
            ? pages - 1
            : (written.last() - range.start()) >>> shift;
    setPages(first, last);
  }

  /** Marks everything: the answer to any doubt. */
  public void markAll() {
    setPages(0, pages - 1);
  }

  private void setPages(long first, long last) {
    int firstWord = (int) (first >>> 6);
    int lastWord = (int) (last >>> 6);
    long head = -1L << first;
    long tail = -1L >>> (63 - last);
    if (firstWord == lastWord) {
      words.put(firstWord, words.get(firstWord) | (head & tail));
      return;
    }
    words.put(firstWord, words.get(firstWord) | head);
    for (int word = firstWord + 1; word < lastWord; word++) {
      words.put(word, -1L);
    }
    words.put(lastWord, words.get(lastWord) | tail);
  }

  /** Whether a page is marked. */
  public boolean isDirty(long page) {
    if (page < 0 || page >= pages) {
      throw new IndexOutOfBoundsException("page " + page + " of " + pages);
    }
    return (words.get((int) (page >>> 6)) & (1L << page)) != 0;
  }

  /** Returns the number of marked pages. */
  public long dirtyPages() {
    long count = 0;
    for (int word = 0; word < words.limit(); word++) {
      count += Long.bitCount(words.get(word));
    }
    return count;
  }

  /** Unmarks everything. */
  public void clear() {
    for (int word = 0; word < words.limit(); word++) {
      words.put(word, 0);
    }
  }

  /** Visits each longest run of marked pages, in ascending order. */
  public void forEachRun(RunVisitor visitor) {
    long start = -1;
    for (int index = 0; index < words.limit(); index++) {
      long word = words.get(index);
      if (start < 0 && word == 0) {
        continue;
      }
      if (start >= 0 && word == -1L) {
        continue;
      }
      long base = (long) index << 6;
      int bit = 0;
      while (bit < 64) {
        long rest = word >>> bit;
        if (start < 0) {
          if (rest == 0) {
            break;
          }
          bit += Long.numberOfTrailingZeros(rest);
          start = base + bit;
        } else {
          int ones = Long.numberOfTrailingZeros(~rest);
          if (bit + ones >= 64) {
            break;
          }
          bit += ones;
          visitor.run(start, base + bit - start);
          start = -1;
        }
      }
    }
    if (start >= 0) {
      visitor.run(start, Math.min(pages, (long) words.limit() << 6) - start);
    }
  }
}
