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

  /** The most pages one bitmap covers, so that its words fit into 1 GiB. */
  public static final long MAX_PAGES = 1L << 33;

  private final MemoryRange range;
  private final long pageSizeBytes;
  private final long pages;
  private final ByteBuffer bytes;
  private final LongBuffer words;

  /**
   * Creates an empty bitmap in direct memory.
   *
   * @param range what it covers, page 0 at its start; at most {@link #MAX_PAGES} pages
   * @param pageSizeBytes a power of two, at most 2<sup>62</sup>
   * @throws IllegalArgumentException if the page size is no power of two or the range too large
   */
  public DirtyBitmap(MemoryRange range, long pageSizeBytes) {
    if (pageSizeBytes <= 0 || Long.bitCount(pageSizeBytes) != 1) {
      throw new IllegalArgumentException("page size " + pageSizeBytes + " is no power of two");
    }
    this.range = range;
    this.pageSizeBytes = pageSizeBytes;
    // The number of the last page, because the number of pages need not fit into a long.
    long lastPage = (range.length() - 1) >>> Long.numberOfTrailingZeros(pageSizeBytes);
    if (Long.compareUnsigned(lastPage, MAX_PAGES) >= 0) {
      throw new IllegalArgumentException(
          "a bitmap covers at most %d pages of %d bytes; split the range %s"
              .formatted(MAX_PAGES, pageSizeBytes, range));
    }
    this.pages = lastPage + 1;
    int wordCount = (int) ((pages + 63) >>> 6);
    this.bytes = ByteBuffer.allocateDirect(wordCount * Long.BYTES).order(ByteOrder.nativeOrder());
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

  /**
   * Returns the words as direct memory, for a tracker to set bits in. Bits beyond the last page,
   * which a tracker with larger pages may set, are never reported.
   */
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

  /**
   * Whether a page is marked.
   *
   * @param page counted from the start of the range
   * @throws IndexOutOfBoundsException if it is not below {@link #pages()}
   */
  public boolean isDirty(long page) {
    if (page < 0 || page >= pages) {
      throw new IndexOutOfBoundsException("page " + page + " of " + pages);
    }
    return (words.get((int) (page >>> 6)) & (1L << page)) != 0;
  }

  /** Returns a word without the bits beyond the last page. */
  private long word(int index) {
    long word = words.get(index);
    return index == words.limit() - 1 ? word & (-1L >>> -pages) : word;
  }

  /** Returns the number of marked pages. */
  public long dirtyPages() {
    long count = 0;
    for (int index = 0; index < words.limit(); index++) {
      count += Long.bitCount(word(index));
    }
    return count;
  }

  /**
   * Marks each page that another bitmap has marked.
   *
   * @throws IllegalArgumentException if the other covers another range or has another page size
   */
  public void markAllOf(DirtyBitmap other) {
    if (!range.equals(other.range) || pageSizeBytes != other.pageSizeBytes) {
      throw new IllegalArgumentException(
          "bitmaps of " + range + " and " + other.range + " cannot be united");
    }
    for (int word = 0; word < words.limit(); word++) {
      words.put(word, words.get(word) | other.words.get(word));
    }
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
      long word = word(index);
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
      visitor.run(start, pages - start);
    }
  }
}
