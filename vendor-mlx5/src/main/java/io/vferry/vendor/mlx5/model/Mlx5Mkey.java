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
    long offset = address - start;
    long pageBytes = 1L << pageShift;
    while (from.hasRemaining()) {
      long inPage = offset & (pageBytes - 1);
      int length = (int) Math.min(from.remaining(), pageBytes - inPage);
      ByteBuffer part = from.slice(from.position(), length);
      if (!iommu.write(pageAt(offset) + inPage, part)) {
        return false;
      }
      from.position(from.position() + length);
      offset += length;
    }
    return true;
  }

  /** Reads from host memory; the range lies inside. Returns whether all of it was there. */
  boolean read(Mlx5Iommu iommu, long address, ByteBuffer into) {
    long offset = address - start;
    long pageBytes = 1L << pageShift;
    while (into.hasRemaining()) {
      long inPage = offset & (pageBytes - 1);
      int length = (int) Math.min(into.remaining(), pageBytes - inPage);
      ByteBuffer part = into.slice(into.position(), length);
      if (!iommu.read(pageAt(offset) + inPage, part)) {
        return false;
      }
      into.position(into.position() + length);
      offset += length;
    }
    return true;
  }
}
