package io.vferry.vendor.mlx5.queue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Memory that the physical function can reach, at contiguous addresses. Contents: any thread, as
 * the device and this host agree on them.
 */
public final class DmaMemory {

  private final long address;
  private final long lengthBytes;
  private final List<ByteBuffer> segments;

  DmaMemory(long address, long lengthBytes, List<ByteBuffer> segments) {
    this.address = address;
    this.lengthBytes = lengthBytes;
    this.segments = List.copyOf(segments);
  }

  /** Returns the I/O virtual address of the first byte. */
  public long address() {
    return address;
  }

  /** Returns how much it is, whole pages. */
  public long lengthBytes() {
    return lengthBytes;
  }

  List<ByteBuffer> segments() {
    return segments;
  }

  /**
   * Returns a part as a big-endian buffer that starts at 0.
   *
   * @throws IndexOutOfBoundsException if the part crosses the border of two pieces of memory; none
   *     below 256 MiB does
   */
  public ByteBuffer slice(long offset, int length) {
    int first = segments.get(0).capacity();
    ByteBuffer segment = segments.get((int) (offset / first));
    return segment.slice((int) (offset % first), length).order(ByteOrder.BIG_ENDIAN);
  }

  /** Copies bytes out; moves the position of {@code into} by {@code length}. */
  public void read(long offset, ByteBuffer into, int length) {
    copy(
        offset,
        length,
        (segment, at, bytes) -> {
          into.put(into.position(), segment, at, bytes);
          into.position(into.position() + bytes);
        });
  }

  /** Copies bytes in; moves the position of {@code from} by {@code length}. */
  public void write(long offset, ByteBuffer from, int length) {
    copy(
        offset,
        length,
        (segment, at, bytes) -> {
          segment.put(at, from, from.position(), bytes);
          from.position(from.position() + bytes);
        });
  }

  private interface Piece {
    void copy(ByteBuffer segment, int at, int bytes);
  }

  private void copy(long offset, int length, Piece piece) {
    int first = segments.get(0).capacity();
    long at = offset;
    int left = length;
    while (left > 0) {
      ByteBuffer segment = segments.get((int) (at / first));
      int inside = (int) (at % first);
      int bytes = Math.min(left, segment.capacity() - inside);
      piece.copy(segment, inside, bytes);
      at += bytes;
      left -= bytes;
    }
  }
}
