package io.vferry.vendor.mlx5.queue;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Gives out memory that the physical function can reach. The whole DMA space of the function
 * belongs to it. Any thread.
 */
public final class DmaArena {

  /** The firmware's page. */
  static final int PAGE_BYTES = 4096;

  private final DmaSpace space;
  private final long granule;

  /** Free I/O virtual addresses: start to length, never adjacent. */
  private final TreeMap<Long, Long> free = new TreeMap<>();

  /** What the host did not unmap when it should have. */
  private final List<Release> stranded = new ArrayList<>();

  /**
   * Memory on its way back.
   *
   * @param start the first address
   * @param length of all addresses, mapped or not
   * @param mapped what is still to be unmapped
   */
  private record Release(long start, long length, List<MemoryRange> mapped) {}

  /** Creates an arena over all of a space that an unsigned 63-bit address can name. */
  public DmaArena(DmaSpace space) {
    this.space = space;
    this.granule = Math.max(PAGE_BYTES, space.pageSizeBytes());
    for (MemoryRange range : space.usableRanges()) {
      // Address 0 stays unused: in many fields it stands for "none".
      long start = roundUp(Math.max(granule, range.start()));
      long last = range.last() < 0 ? Long.MAX_VALUE : range.last();
      if (range.start() >= 0 && last >= start && last - start >= granule) {
        long length = (last - start + 1) / granule * granule;
        free.put(start, length);
      }
    }
  }

  private long roundUp(long bytes) {
    return (bytes + granule - 1) / granule * granule;
  }

  /**
   * Maps zeroed memory at contiguous addresses.
   *
   * @param sizeBytes at least 1; rounded up to whole pages
   * @throws CommandException {@code NO_RESOURCES}
   */
  public DmaMemory allocate(long sizeBytes) throws CommandException {
    DmaMemory memory = reserve(sizeBytes);
    try {
      memory.populate(memory.lengthBytes());
      return memory;
    } catch (CommandException e) {
      release(memory);
      throw e;
    }
  }

  /**
   * Reserves contiguous addresses, behind which memory is mapped only when it is first written to.
   *
   * @param sizeBytes at least 1; rounded up to whole pages
   * @throws CommandException {@code NO_RESOURCES}
   */
  public DmaMemory reserve(long sizeBytes) throws CommandException {
    long length = roundUp(sizeBytes);
    return new DmaMemory(this, take(length), length);
  }

  /** Maps a piece of memory. */
  ByteBuffer map(long address, int lengthBytes) throws CommandException {
    try {
      ByteBuffer memory = direct(lengthBytes);
      space.map(address, memory, DmaSpace.Direction.READ_WRITE);
      return memory;
    } catch (MigrationException | OutOfMemoryError e) {
      throw CommandException.noResources(
          "%d bytes of memory for the device are not to be had: %s"
              .formatted(lengthBytes, e.getMessage()));
    }
  }

  private ByteBuffer direct(int bytes) {
    int alignment = (int) Math.min(granule, 1 << 21);
    ByteBuffer raw = ByteBuffer.allocateDirect(bytes + alignment - 1);
    return raw.alignedSlice(alignment).limit(bytes).slice().order(ByteOrder.BIG_ENDIAN);
  }

  /**
   * Unmaps memory; the device must not use it any more. What the host does not unmap now stays
   * taken, and is tried again whenever something else is released.
   */
  public void release(DmaMemory memory) {
    long address = memory.address();
    List<MemoryRange> mapped = new ArrayList<>();
    for (ByteBuffer segment : memory.segments()) {
      mapped.add(new MemoryRange(address, segment.capacity()));
      address += segment.capacity();
    }
    Release whole = new Release(memory.address(), memory.lengthBytes(), mapped);
    for (Release release : withStranded(whole)) {
      unmap(release);
    }
  }

  private synchronized List<Release> withStranded(Release last) {
    List<Release> all = new ArrayList<>(stranded);
    stranded.clear();
    all.add(last);
    return all;
  }

  private void unmap(Release release) {
    for (int i = 0; i < release.mapped.size(); i++) {
      try {
        space.unmap(release.mapped.get(i));
      } catch (MigrationException e) {
        // What may still be mapped must not be given out again.
        List<MemoryRange> left = release.mapped.subList(i, release.mapped.size());
        strand(new Release(release.start, release.length, left));
        return;
      }
    }
    putBack(release.start, release.length);
  }

  private synchronized void strand(Release release) {
    stranded.add(release);
  }

  private synchronized long take(long length) throws CommandException {
    long start =
        free.entrySet().stream()
            .filter(gap -> gap.getValue() >= length)
            .map(Map.Entry::getKey)
            .findFirst()
            .orElseThrow(
                () ->
                    CommandException.noResources(
                        "the device's address space has no %d free bytes in a row"
                            .formatted(length)));
    Long gap = free.remove(start);
    if (gap != null && gap > length) {
      free.put(start + length, gap - length);
    }
    return start;
  }

  private synchronized void putBack(long start, long length) {
    long from = start;
    long bytes = length;
    Map.Entry<Long, Long> before = free.lowerEntry(start);
    if (before != null && before.getKey() + before.getValue() == start) {
      from = before.getKey();
      bytes += before.getValue();
    }
    Long after = free.remove(start + length);
    if (after != null) {
      bytes += after;
    }
    free.put(from, bytes);
  }
}
