package io.vferry.spi.memory;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * The memory of a guest, by guest physical address.
 *
 * <p>Safe for use by any number of threads; concurrent writes to one place are ordered as the
 * hardware does it, that is, not at all.
 */
public interface GuestMemory {

  /** Returns the populated ranges, ascending and disjoint; there may be holes between them. */
  List<MemoryRange> layout();

  /**
   * Returns the page size in bytes at which dirty memory is tracked: a power of two, at least 4096.
   */
  long pageSizeBytes();

  /**
   * Returns the memory of a range itself, not a copy, as a direct buffer in native order.
   *
   * @param range wholly inside one range of the layout; at most 2<sup>31</sup> - 1 bytes
   * @throws IllegalArgumentException if it is not
   */
  ByteBuffer slice(MemoryRange range);
}
