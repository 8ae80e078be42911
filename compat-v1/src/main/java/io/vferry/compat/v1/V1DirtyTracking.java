package io.vferry.compat.v1;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The dirty tracking that came with v1, which belongs to a container of devices and not to one of
 * them, on the logs that devices have in v2: start, stop, get bitmap, and unmap with bitmap.
 *
 * <p>In v1 a container reports what its devices may have written: everything mapped, unless all its
 * devices are known to write only certain pages. Here it is everything mapped, unless all devices
 * log their DMA. After any failure of a log everything mapped counts as dirty.
 *
 * <p>A bitmap is an array of 64-bit words in native order, bit <i>n</i> for page <i>n</i> from the
 * I/O virtual address asked for. Its words are set where the range meets a mapping and left alone
 * elsewhere, so the caller zeroes it first.
 *
 * <p>Sources: Linux 5.10, {@code include/uapi/linux/vfio.h} and {@code
 * drivers/vfio/vfio_iommu_type1.c}. One thread at a time.
 */
public final class V1DirtyTracking {

  /** The number of the request on a container, {@code VFIO_IOMMU_DIRTY_PAGES}. */
  public static final int REQUEST = 0x3b75;

  /** The largest bitmap in bytes, as the container's capability says it. */
  public static final long MAX_BITMAP_BYTES = 256L << 20;

  private static final int FLAG_START = 1;
  private static final int FLAG_STOP = 2;
  private static final int FLAG_GET_BITMAP = 4;
  private static final int HEADER_BYTES = 8;
  private static final int GET_BITMAP_BYTES = 48;

  private final List<DmaLog> logs;
  private final boolean allLog;
  private final long pageSizeBytes;

  /** Mappings by their first address, in unsigned order. */
  private final TreeMap<Long, MemoryRange> mappings = new TreeMap<>(Long::compareUnsigned);

  /** What the logs gave and no caller has fetched yet, by the first address of its mapping. */
  private final Map<Long, DirtyBitmap> unfetched = new TreeMap<>(Long::compareUnsigned);

  private boolean on;
  private boolean logging;

  /**
   * Creates the tracking of a container without mappings.
   *
   * @param logs of the devices that have one
   * @param allLog whether these are all devices of the container
   * @param pageSizeBytes the only page size that is served: a power of two, at least 4096
   * @throws IllegalArgumentException if the page size is none
   */
  public V1DirtyTracking(List<DmaLog> logs, boolean allLog, long pageSizeBytes) {
    if (pageSizeBytes < 4096 || Long.bitCount(pageSizeBytes) != 1) {
      throw new IllegalArgumentException("page size " + pageSizeBytes + " is no power of two");
    }
    this.logs = List.copyOf(logs);
    this.allLog = allLog;
    this.pageSizeBytes = pageSizeBytes;
  }

  /**
   * Says that the container maps a range. What is mapped while tracking is on counts as dirty.
   *
   * @throws MigrationException {@code BAD_REQUEST} with {@code EINVAL} if it is unaligned, overlaps
   *     a mapping, or has more pages than a bitmap
   */
  public void mapped(MemoryRange iova) throws MigrationException {
    if (!aligned(iova.start()) || !aligned(iova.length())) {
      throw V1Errno.invalid("the mapping %s is not made of whole pages".formatted(iova));
    }
    if (mappings.values().stream().anyMatch(iova::overlaps)) {
      throw V1Errno.invalid("the mapping %s overlaps another".formatted(iova));
    }
    if (bitmapBytes(iova.length()) > MAX_BITMAP_BYTES) {
      throw V1Errno.invalid("the mapping %s has more pages than a bitmap".formatted(iova));
    }
    mappings.put(iova.start(), iova);
    if (on) {
      unfetched.put(iova.start(), new DirtyBitmap(iova, pageSizeBytes));
      // A log cannot be told of more ranges, and what is written while it starts anew is missed.
      restartLogs();
    }
  }

  /** Starts tracking; if it is on already, nothing happens and nothing is forgotten. */
  public void start() {
    if (on) {
      return;
    }
    on = true;
    for (MemoryRange mapping : mappings.values()) {
      unfetched.put(mapping.start(), new DirtyBitmap(mapping, pageSizeBytes));
    }
    startLogs();
  }

  /** Stops tracking and forgets everything; never fails. */
  public void stop() {
    on = false;
    stopLogs();
    unfetched.clear();
  }

  /**
   * Fetches and forgets what is dirty.
   *
   * @param iova the range; begins and ends at mappings' borders or in holes
   * @param askedPageSizeBytes the one this container serves
   * @param bitmap its remaining bytes are the bitmap; position and limit stay
   * @throws MigrationException {@code BAD_REQUEST} with {@code EINVAL} if tracking is off or an
   *     argument is wrong; nothing is fetched then
   */
  public void getBitmap(MemoryRange iova, long askedPageSizeBytes, ByteBuffer bitmap)
      throws MigrationException {
    check(iova, askedPageSizeBytes, bitmap.remaining());
    collect();
    for (MemoryRange mapping : inside(iova)) {
      fetch(mapping, iova, bitmap);
    }
  }

  /**
   * Fetches what is dirty in a range that is being unmapped, and forgets its mappings. Called when
   * the devices cannot write there any more.
   *
   * @param iova as for {@link #getBitmap}
   * @param askedPageSizeBytes as for {@link #getBitmap}
   * @param bitmap as for {@link #getBitmap}
   * @return how many bytes were mapped there
   * @throws MigrationException as for {@link #getBitmap}; the mappings stay then
   */
  public long unmapWithBitmap(MemoryRange iova, long askedPageSizeBytes, ByteBuffer bitmap)
      throws MigrationException {
    getBitmap(iova, askedPageSizeBytes, bitmap);
    long unmapped = 0;
    for (MemoryRange mapping : inside(iova)) {
      mappings.remove(mapping.start());
      unfetched.remove(mapping.start());
      unmapped += mapping.length();
    }
    return unmapped;
  }

  /**
   * Serves the request as a client of the container makes it.
   *
   * @param argument the structure {@code vfio_iommu_type1_dirty_bitmap} in native order, from its
   *     position
   * @param bitmap the memory to which the structure points; may be empty if it points to none
   * @throws MigrationException {@code BAD_REQUEST} with {@code EINVAL}
   */
  public void request(ByteBuffer argument, ByteBuffer bitmap) throws MigrationException {
    ByteBuffer in = argument.slice().order(ByteOrder.nativeOrder());
    long argsz = in.remaining() < HEADER_BYTES ? 0 : Integer.toUnsignedLong(in.getInt(0));
    if (argsz < HEADER_BYTES) {
      throw V1Errno.invalid("argsz " + argsz + " has no room for the flags");
    }
    int flags = in.getInt(4);
    switch (flags) {
      case FLAG_START -> start();
      case FLAG_STOP -> stop();
      case FLAG_GET_BITMAP -> {
        if (argsz < GET_BITMAP_BYTES || in.remaining() < GET_BITMAP_BYTES) {
          throw V1Errno.invalid("argsz " + argsz + " has no room for a request of a bitmap");
        }
        if (in.getLong(32) != bitmap.remaining()) {
          throw V1Errno.invalid(
              "the bitmap is said to have %s bytes and has %d"
                  .formatted(Long.toUnsignedString(in.getLong(32)), bitmap.remaining()));
        }
        getBitmap(range(in.getLong(8), in.getLong(16)), in.getLong(24), bitmap);
      }
      default -> throw V1Errno.invalid("the flags are %d and not exactly one".formatted(flags));
    }
  }

  private static MemoryRange range(long start, long length) throws MigrationException {
    try {
      return new MemoryRange(start, length);
    } catch (IllegalArgumentException e) {
      throw V1Errno.invalid(String.valueOf(e.getMessage()));
    }
  }

  private void check(MemoryRange iova, long askedPageSizeBytes, long bitmapBytes)
      throws MigrationException {
    if (!on) {
      throw V1Errno.invalid("dirty tracking is off");
    }
    if (askedPageSizeBytes != pageSizeBytes) {
      throw V1Errno.invalid(
          "pages of %d bytes are asked for, and the container tracks pages of %d"
              .formatted(askedPageSizeBytes, pageSizeBytes));
    }
    if (!aligned(iova.start()) || !aligned(iova.length())) {
      throw V1Errno.invalid("the range %s is not made of whole pages".formatted(iova));
    }
    long needed = bitmapBytes(iova.length());
    if (needed > MAX_BITMAP_BYTES || bitmapBytes < needed) {
      throw V1Errno.invalid(
          "the range %s needs a bitmap of %s bytes and has one of %d"
              .formatted(iova, Long.toUnsignedString(needed), bitmapBytes));
    }
    for (MemoryRange mapping : mappings.values()) {
      if (mapping.overlaps(iova) && !iova.contains(mapping)) {
        throw V1Errno.invalid("the range %s cuts the mapping %s".formatted(iova, mapping));
      }
    }
  }

  private boolean aligned(long bytes) {
    return (bytes & (pageSizeBytes - 1)) == 0;
  }

  private long bitmapBytes(long lengthBytes) {
    long pages = lengthBytes >>> Long.numberOfTrailingZeros(pageSizeBytes);
    return ((pages + 63) >>> 6) * Long.BYTES;
  }

  private List<MemoryRange> inside(MemoryRange iova) {
    return mappings.values().stream().filter(iova::contains).toList();
  }

  /** Asks all logs about all mappings: a range that was asked about is forgotten by its log. */
  private void collect() {
    if (!logging) {
      markAll();
      return;
    }
    try {
      for (DirtyBitmap bitmap : unfetched.values()) {
        for (DmaLog log : logs) {
          log.report(bitmap);
        }
      }
    } catch (MigrationException e) {
      // The log is void.
      restartLogs();
    }
  }

  private void restartLogs() {
    stopLogs();
    startLogs();
    markAll();
  }

  private void startLogs() {
    logging = allLog && !mappings.isEmpty();
    if (!logging) {
      return;
    }
    List<MemoryRange> ranges = List.copyOf(mappings.values());
    try {
      for (DmaLog log : logs) {
        log.start(ranges, pageSizeBytes);
      }
    } catch (MigrationException e) {
      stopLogs();
    }
  }

  private void stopLogs() {
    logging = false;
    for (DmaLog log : logs) {
      try {
        log.stop();
      } catch (MigrationException unimportant) {
        // It counts as off all the same.
      }
    }
  }

  private void markAll() {
    unfetched.values().forEach(DirtyBitmap::markAll);
  }

  private void fetch(MemoryRange mapping, MemoryRange iova, ByteBuffer bitmap) {
    DirtyBitmap dirty = unfetched.get(mapping.start());
    if (dirty == null) {
      return;
    }
    long firstPage = (mapping.start() - iova.start()) >>> Long.numberOfTrailingZeros(pageSizeBytes);
    ByteBuffer words = bitmap.slice().order(ByteOrder.nativeOrder());
    // A word that a mapping shares with what lies before it is added to; the others are assigned.
    long firstWhole = (firstPage + 63) & -64L;
    put(words, firstWhole, firstPage + dirty.pages() - firstWhole, false);
    dirty.forEachRun((first, count) -> put(words, firstPage + first, count, true));
    dirty.clear();
  }

  private static void put(ByteBuffer words, long first, long count, boolean value) {
    long page = first;
    long end = first + count;
    while (page < end) {
      int at = (int) (page >>> 6) * Long.BYTES;
      int bit = (int) (page & 63);
      int bits = (int) Math.min(64 - bit, end - page);
      long mask = (-1L >>> (64 - bits)) << bit;
      words.putLong(at, value ? words.getLong(at) | mask : words.getLong(at) & ~mask);
      page += bits;
    }
  }
}
