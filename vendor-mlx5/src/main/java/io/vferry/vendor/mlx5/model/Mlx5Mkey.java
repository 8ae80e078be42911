package io.vferry.vendor.mlx5.model;

import java.nio.ByteBuffer;

/** A memory key: which DMA pages lie behind a range of addresses, and what may be done there. */
final class Mlx5Mkey {

  final int keyByte;
  final int pd;
  final boolean localWrite;
  final boolean localRead;
  final long start;
  final long lengthBytes;
  private final int pageShift;
  final long[] pages;

  Mlx5Mkey(
      int keyByte,
      int pd,
      boolean localWrite,
      boolean localRead,
      long start,
      long lengthBytes,
      int pageShift,
      long[] pages) {
    this.keyByte = keyByte;
    this.pd = pd;
    this.localWrite = localWrite;
    this.localRead = localRead;
    this.start = start;
    this.lengthBytes = lengthBytes;
    this.pageShift = pageShift;
    this.pages = pages;
  }

  /** Whether a range lies inside. */
  boolean covers(long address, long length) {
    long offset = address - start;
    return offset >= 0 && length >= 0 && offset <= lengthBytes && length <= lengthBytes - offset;
  }

  long pageAt(long offset) {
    return pages[(int) (offset >>> pageShift)];
  }

  /** Writes to host memory; the range lies inside. Returns whether all of it arrived. */
  boolean write(Mlx5Iommu iommu, long address, ByteBuffer from) {
    return access(address, from, iommu::write);
  }

  /** Reads from host memory; the range lies inside. Returns whether all of it was there. */
  boolean read(Mlx5Iommu iommu, long address, ByteBuffer into) {
    return access(address, into, iommu::read);
  }

  /** One way to reach memory at a DMA address; returns whether all of it was reached. */
  @FunctionalInterface
  private interface Way {
    boolean go(long dmaAddress, ByteBuffer bytes);
  }

  private boolean access(long address, ByteBuffer bytes, Way way) {
    long offset = address - start;
    while (bytes.hasRemaining()) {
      int length = (int) Math.min(bytes.remaining(), contiguousBytes(offset, bytes.remaining()));
      ByteBuffer part = bytes.slice(bytes.position(), length);
      if (!way.go(pageAt(offset) + (offset & ((1L << pageShift) - 1)), part)) {
        return false;
      }
      bytes.position(bytes.position() + length);
      offset += length;
    }
    return true;
  }

  /** Returns how much can be reached at once, since one page follows another; may be more. */
  private long contiguousBytes(long offset, int wished) {
    long pageBytes = 1L << pageShift;
    long length = pageBytes - (offset & (pageBytes - 1));
    for (int page = (int) (offset >>> pageShift) + 1;
        length < wished && pages[page] == pages[page - 1] + pageBytes;
        page++) {
      length += pageBytes;
    }
    return length;
  }
}
