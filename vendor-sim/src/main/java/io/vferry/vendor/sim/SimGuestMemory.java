package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.GuestMemory;
import io.vferry.spi.memory.MemoryRange;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The guest's memory: half of it, at most 3 GiB, from address 0, the rest from 4 GiB, as on a PC,
 * so that whoever takes an address for an offset is found out. Pages are counted without the hole.
 *
 * <p>The bytes may be touched by any thread, the dirty log only under the machine's lock.
 */
final class SimGuestMemory implements GuestMemory {

  static final long HIGH_START = 4L << 30;
  private static final long LOW_MAX = 3L << 30;
  private static final long BLOCK_MAX = 1L << 30;

  private record Block(MemoryRange range, ByteBuffer bytes, int firstPage) {}

  private final List<Block> blocks = new ArrayList<>();
  private final int pages;
  private final int lowPages;
  private @Nullable BitSet dirty;

  /** What other processes map, if they can; this process keeps it open for them. */
  private final @Nullable RandomAccessFile file;

  SimGuestMemory(long bytes, boolean shared) throws MigrationException {
    this.pages = (int) (bytes >> SimPattern.PAGE_SHIFT);
    this.lowPages = (int) (Math.min(LOW_MAX, bytes / 2) >> SimPattern.PAGE_SHIFT);
    this.file = shared ? SimSharedFile.create("guest", bytes) : null;
    try {
      add(0, (long) lowPages << SimPattern.PAGE_SHIFT, 0);
      add(HIGH_START, (long) (pages - lowPages) << SimPattern.PAGE_SHIFT, lowPages);
    } catch (OutOfMemoryError e) {
      close();
      throw new MigrationException(
          DeviceError.OUT_OF_RESOURCES,
          "no room for " + bytes + " bytes of guest memory; raise -XX:MaxDirectMemorySize",
          e);
    } catch (IOException e) {
      close();
      throw new MigrationException(
          DeviceError.OUT_OF_RESOURCES, "the file of the guest's memory cannot be mapped", e);
    }
  }

  private void add(long start, long length, int firstPage) throws IOException {
    for (long at = 0; at < length; at += BLOCK_MAX) {
      int size = (int) Math.min(BLOCK_MAX, length - at);
      blocks.add(
          new Block(
              new MemoryRange(start + at, size),
              allocate(((long) firstPage << SimPattern.PAGE_SHIFT) + at, size)
                  .order(ByteOrder.LITTLE_ENDIAN),
              firstPage + (int) (at >> SimPattern.PAGE_SHIFT)));
    }
  }

  private ByteBuffer allocate(long offset, int size) throws IOException {
    return file == null
        // Whole pages, as a host maps them for real devices.
        ? ByteBuffer.allocateDirect(size + SimPattern.PAGE_BYTES)
            .alignedSlice(SimPattern.PAGE_BYTES)
            .slice(0, size)
        : file.getChannel().map(FileChannel.MapMode.READ_WRITE, offset, size);
  }

  /** Lets go of the file; the memory itself stays as long as somebody has a part of it. */
  void close() {
    if (file != null) {
      try {
        file.close();
      } catch (IOException e) {
        throw new UncheckedIOException("a file in memory cannot be closed", e);
      }
    }
  }

  @Override
  public List<MemoryRange> layout() {
    return blocks.stream().map(Block::range).toList();
  }

  @Override
  public long pageSizeBytes() {
    return SimPattern.PAGE_BYTES;
  }

  @Override
  public ByteBuffer slice(MemoryRange range) {
    for (Block block : blocks) {
      if (block.range.contains(range)) {
        return block
            .bytes
            .slice((int) (range.start() - block.range.start()), (int) range.length())
            .order(ByteOrder.nativeOrder());
      }
    }
    throw new IllegalArgumentException(range + " is not inside one range of " + layout());
  }

  int pages() {
    return pages;
  }

  int lowPages() {
    return lowPages;
  }

  long addressOf(int page) {
    Block block = blockOf(page);
    return block.range.start() + ((long) (page - block.firstPage) << SimPattern.PAGE_SHIFT);
  }

  /** Returns the memory of a page, little endian. */
  ByteBuffer page(int page) {
    Block block = blockOf(page);
    return block
        .bytes
        .slice((page - block.firstPage) << SimPattern.PAGE_SHIFT, SimPattern.PAGE_BYTES)
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Notes that a vCPU wrote a page. */
  void written(int page) {
    BitSet log = dirty;
    if (log != null) {
      log.set(page);
    }
  }

  void startLog() {
    dirty = new BitSet(pages);
  }

  void stopLog() {
    dirty = null;
  }

  /**
   * Tells and forgets what was written inside the bitmap's range; returns whether the log is on.
   */
  boolean report(DirtyBitmap into) {
    BitSet log = dirty;
    if (log == null) {
      return false;
    }
    for (int page = log.nextSetBit(0); page >= 0; page = log.nextSetBit(page + 1)) {
      MemoryRange range = new MemoryRange(addressOf(page), SimPattern.PAGE_BYTES);
      if (into.range().overlaps(range)) {
        into.mark(range);
        log.clear(page);
      }
    }
    return true;
  }

  private Block blockOf(int page) {
    for (Block block : blocks) {
      if (page - block.firstPage < block.bytes.capacity() >> SimPattern.PAGE_SHIFT) {
        return block;
      }
    }
    throw new IndexOutOfBoundsException("page " + page + " of " + pages);
  }
}
