package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * The device's own memory: pages whose content follows from seed, page and version. Keeps which
 * pages a save session has still to read and which pages a load session has got.
 *
 * <p>The owner's lock guards it.
 */
final class SimBulk {

  /** A run of pages inside one block. */
  record Chunk(int firstPage, int pages, int bytes) {}

  private static final int BLOCK_SHIFT = 24;
  private static final int BLOCK_BYTES = 1 << BLOCK_SHIFT;
  private static final int BLOCK_PAGES = BLOCK_BYTES >> SimPattern.PAGE_SHIFT;

  private final SimPattern pattern;
  private final long sizeBytes;
  private final int pages;
  private final ByteBuffer[] blocks;
  private final int[] versions;
  private final BitSet unread = new BitSet();
  private final BitSet offered = new BitSet();
  private final BitSet initial = new BitSet();
  private final BitSet received = new BitSet();
  private boolean saving;

  /** No page before this one is on offer; spares a search from the start for each chunk. */
  private int nothingBefore;

  private long seed;

  SimBulk(SimPattern pattern, long sizeBytes) throws MigrationException {
    this.pattern = pattern;
    this.sizeBytes = sizeBytes;
    this.pages = (int) ((sizeBytes + SimPattern.PAGE_BYTES - 1) >> SimPattern.PAGE_SHIFT);
    this.versions = new int[pages];
    this.blocks = new ByteBuffer[(int) ((sizeBytes + BLOCK_BYTES - 1) >> BLOCK_SHIFT)];
    try {
      for (int block = 0; block < blocks.length; block++) {
        long rest = sizeBytes - ((long) block << BLOCK_SHIFT);
        blocks[block] =
            ByteBuffer.allocateDirect((int) Math.min(rest, BLOCK_BYTES))
                .order(ByteOrder.LITTLE_ENDIAN);
      }
    } catch (OutOfMemoryError e) {
      throw new MigrationException(
          DeviceError.OUT_OF_RESOURCES,
          "no room for "
              + sizeBytes
              + " bytes of device state; raise -XX:MaxDirectMemorySize of this process",
          e);
    }
  }

  int pages() {
    return pages;
  }

  long sizeBytes() {
    return sizeBytes;
  }

  /** Fills all pages anew, as after power on. */
  void powerOn(long newSeed) {
    seed = newSeed;
    endSave();
    received.clear();
    Arrays.fill(versions, 1);
    for (int page = 0; page < pages; page++) {
      pattern.fill(block(page), at(page), length(page), seed, page, 1);
    }
  }

  /**
   * Changes a page, as the running device does.
   *
   * @return by how much this changes the {@link #fingerprint()}
   */
  long change(int page) {
    long before = fingerprint(page);
    versions[page]++;
    pattern.fill(block(page), at(page), length(page), seed, page, versions[page]);
    if (saving) {
      unread.set(page);
    }
    return fingerprint(page) - before;
  }

  /** Returns a number that says which page has which version. */
  long fingerprint() {
    long sum = 0;
    for (int page = 0; page < pages; page++) {
      sum += fingerprint(page);
    }
    return sum;
  }

  private long fingerprint(int page) {
    return SimPattern.mix((long) page << Integer.SIZE | versions[page]);
  }

  /** Begins a save session in which everything is still to be read. */
  void beginSave() {
    saving = true;
    unread.set(0, pages);
    offered.clear();
    initial.clear();
  }

  /** Makes the first pages the first image, to be read before anything else; also again, later. */
  void beginImage(long bytes) {
    int count = (int) Math.min(pages, (bytes + SimPattern.PAGE_BYTES - 1) >> SimPattern.PAGE_SHIFT);
    unread.set(0, count);
    initial.set(0, count);
    offered.set(0, count);
    nothingBefore = 0;
  }

  void endSave() {
    saving = false;
    unread.clear();
    offered.clear();
    initial.clear();
  }

  /** Offers all pages that were not read since they changed. */
  void offerUnread() {
    offered.or(unread);
    nothingBefore = 0;
  }

  /** Returns the next chunk on offer and counts it as read, or null if there is none. */
  @Nullable Chunk nextChunk(int maxPages) {
    int first = offered.nextSetBit(nothingBefore);
    if (first < 0) {
      return null;
    }
    nothingBefore = first;
    int most = Math.min(first + maxPages, (first / BLOCK_PAGES + 1) * BLOCK_PAGES);
    int end = first + 1;
    while (end < most && offered.get(end)) {
      end++;
    }
    offered.clear(first, end);
    unread.clear(first, end);
    initial.clear(first, end);
    return chunk(first, end - first);
  }

  long initialBytes() {
    return bytes(initial);
  }

  long unreadBytes() {
    return bytes(unread);
  }

  void beginLoad() {
    endSave();
    received.clear();
  }

  /** Returns the place of a chunk that is to come, or null if there is no such place. */
  @Nullable Chunk place(long firstPage, long count) {
    if (firstPage < 0 || count < 1 || count > SimRegisters.WINDOW_PAGES) {
      return null;
    }
    if (firstPage > pages - count
        || firstPage / BLOCK_PAGES != (firstPage + count - 1) / BLOCK_PAGES) {
      return null;
    }
    return chunk((int) firstPage, (int) count);
  }

  void take(Chunk chunk, int[] newVersions) {
    System.arraycopy(newVersions, 0, versions, chunk.firstPage, chunk.pages);
    received.set(chunk.firstPage, chunk.firstPage + chunk.pages);
  }

  /** Whether each page has come at least once. */
  boolean complete() {
    return received.nextClearBit(0) >= pages;
  }

  void setSeed(long loadedSeed) {
    seed = loadedSeed;
  }

  /** Returns the memory of a chunk itself. */
  ByteBuffer memory(Chunk chunk) {
    return block(chunk.firstPage).slice(at(chunk.firstPage), chunk.bytes);
  }

  int version(int page) {
    return versions[page];
  }

  /** Returns the first page that does not hold what seed and version demand; -1 if all do. */
  int wrongPage() {
    for (int page = 0; page < pages; page++) {
      if (!pattern.matches(block(page), at(page), length(page), seed, page, versions[page])) {
        return page;
      }
    }
    return -1;
  }

  private Chunk chunk(int first, int count) {
    long start = (long) first << SimPattern.PAGE_SHIFT;
    long end = Math.min(sizeBytes, start + ((long) count << SimPattern.PAGE_SHIFT));
    return new Chunk(first, count, (int) (end - start));
  }

  private long bytes(BitSet set) {
    long bytes = (long) set.cardinality() << SimPattern.PAGE_SHIFT;
    return pages > 0 && set.get(pages - 1)
        ? bytes - SimPattern.PAGE_BYTES + length(pages - 1)
        : bytes;
  }

  private ByteBuffer block(int page) {
    return blocks[page / BLOCK_PAGES];
  }

  private int at(int page) {
    return page % BLOCK_PAGES << SimPattern.PAGE_SHIFT;
  }

  private int length(int page) {
    return (int)
        Math.min(SimPattern.PAGE_BYTES, sizeBytes - ((long) page << SimPattern.PAGE_SHIFT));
  }
}
