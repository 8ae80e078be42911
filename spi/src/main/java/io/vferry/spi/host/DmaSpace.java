package io.vferry.spi.host;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The address space in which a device's DMA goes. What is not mapped is not reached: the access
 * fails.
 */
public interface DmaSpace {

  /** What the device may do with mapped memory. */
  enum Direction {
    /** The device reads. */
    READ,
    /** The device writes. */
    WRITE,
    /** The device reads and writes. */
    READ_WRITE
  }

  /**
   * Returns that of a device that does no DMA. Virtual machines map their memory for each device,
   * so it can be mapped all the same: in 48 bits, by pages of 4 KiB, without any effect.
   *
   * @since 1.1
   */
  static DmaSpace unused() {
    return NoDma.INSTANCE;
  }

  /** Returns the I/O virtual ranges that can be mapped, ascending. */
  List<MemoryRange> usableRanges();

  /** Returns the granularity of mappings in bytes, a power of two. */
  long pageSizeBytes();

  /**
   * Maps memory of this process.
   *
   * @param iova first I/O virtual address, a multiple of the page size
   * @param memory direct; its remaining bytes are mapped and stay referenced until unmapped;
   *     address and length are multiples of the page size
   * @throws MigrationException {@code BAD_REQUEST} if unaligned, outside the usable ranges or
   *     mapped already, {@code OUT_OF_RESOURCES} if the host's limit of locked memory is reached
   */
  void map(long iova, ByteBuffer memory, Direction direction) throws MigrationException;

  /**
   * Maps a part of another device's region, so that this device can reach it peer to peer.
   *
   * @param iova first I/O virtual address, a multiple of the page size
   * @param peer a region of another device
   * @param part the part of the region, by offset from its start, in multiples of the page size
   * @throws MigrationException as {@link #map}, or {@code BAD_REQUEST} if the host cannot map this
   *     region
   */
  void mapPeer(long iova, Region peer, MemoryRange part) throws MigrationException;

  /**
   * Unmaps whole earlier mappings.
   *
   * @throws MigrationException {@code BAD_REQUEST} if the range cuts a mapping
   */
  void unmap(MemoryRange iovaRange) throws MigrationException;
}
