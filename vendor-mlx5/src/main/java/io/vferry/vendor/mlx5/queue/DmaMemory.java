package io.vferry.vendor.mlx5.queue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Memory that the physical function can reach, at contiguous addresses. Contents: any thread, as
 * the device and this host agree on them.
 */
public final class DmaMemory {

  /** Length of a piece, but for the last. */
  private static final int SEGMENT_BYTES = 1 << 26;

  private final DmaArena arena;
  private final long address;
  private final long lengthBytes;
  private final List<ByteBuffer> segments = new CopyOnWriteArrayList<>();

  DmaMemory(DmaArena arena, long address, long lengthBytes) {
    this.arena = arena;
    this.address = address;
    this.lengthBytes = lengthBytes;
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

  /** Maps memory behind the first bytes, as far as it is not there yet. One thread at a time. */
  void populate(long upToBytes) throws CommandException {
    for (long begin = (long) segments.size() * SEGMENT_BYTES;
        begin < upToBytes;
        begin += SEGMENT_BYTES) {
      int length = (int) Math.min(SEGMENT_BYTES, lengthBytes - begin);
      segments.add(arena.map(address + begin, length));
    }
  }

  /**
   * Returns a part as a big-endian buffer that starts at 0.
   *
   * @throws IndexOutOfBoundsException if the part is not mapped, or crosses a multiple of 64 MiB
   */
  public ByteBuffer slice(long offset, int length) {
    return segments
        .get((int) (offset / SEGMENT_BYTES))
        .slice((int) (offset % SEGMENT_BYTES), length)
        .order(ByteOrder.BIG_ENDIAN);
  }

  /** Copies mapped bytes out; moves the position of {@code into} by {@code length}. */
  public void read(long offset, ByteBuffer into, int length) {
    int done = 0;
    while (done < length) {
      long at = offset + done;
      int inside = (int) (at % SEGMENT_BYTES);
      int bytes = Math.min(length - done, SEGMENT_BYTES - inside);
      into.put(into.position(), segments.get((int) (at / SEGMENT_BYTES)), inside, bytes);
      into.position(into.position() + bytes);
      done += bytes;
    }
  }

  /**
   * Copies bytes in; moves the position of {@code from} by {@code length}.
   *
   * @throws CommandException {@code NO_RESOURCES} if memory had to be mapped and could not be
   */
  public void write(long offset, ByteBuffer from, int length) throws CommandException {
    populate(offset + length);
    int done = 0;
    while (done < length) {
      long at = offset + done;
      int inside = (int) (at % SEGMENT_BYTES);
      int bytes = Math.min(length - done, SEGMENT_BYTES - inside);
      segments.get((int) (at / SEGMENT_BYTES)).put(inside, from, from.position(), bytes);
      from.position(from.position() + bytes);
      done += bytes;
    }
  }
}
