package io.vferry.vendor.mlx5.command;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Fields of a message made of big-endian dwords.
 *
 * <p>Not thread-safe.
 */
public final class Words {

  private final ByteBuffer bytes;

  /** Creates a view of all bytes of a buffer, whose order and position do not matter. */
  public Words(ByteBuffer bytes) {
    this.bytes = bytes.duplicate().clear().order(ByteOrder.BIG_ENDIAN);
  }

  /** Returns how long the message is. */
  public int lengthBytes() {
    return bytes.capacity();
  }

  /** Returns a dword. */
  public int dword(int offset) {
    return bytes.getInt(offset);
  }

  /** Sets a dword. */
  public Words dword(int offset, int value) {
    bytes.putInt(offset, value);
    return this;
  }

  /** Returns two dwords, the higher one first. */
  public long quad(int offset) {
    return bytes.getLong(offset);
  }

  /** Sets two dwords, the higher one first. */
  public Words quad(int offset, long value) {
    bytes.putLong(offset, value);
    return this;
  }

  /** Returns the bits {@code high} to {@code low}, both included, of a dword. */
  public int bits(int offset, int high, int low) {
    return bytes.getInt(offset) >>> low & mask(high, low);
  }

  /**
   * Sets the bits {@code high} to {@code low} of a dword and leaves the others.
   *
   * @throws IllegalArgumentException if the value needs more bits
   */
  public Words bits(int offset, int high, int low, int value) {
    int mask = mask(high, low);
    if ((value & ~mask) != 0) {
      throw new IllegalArgumentException(
          "0x%x does not fit into the bits [%d:%d] at 0x%x".formatted(value, high, low, offset));
    }
    bytes.putInt(offset, (bytes.getInt(offset) & ~(mask << low)) | (value << low));
    return this;
  }

  /** Whether a bit is set. */
  public boolean bit(int offset, int bit) {
    return bits(offset, bit, bit) != 0;
  }

  /** Sets or clears a bit. */
  public Words bit(int offset, int bit, boolean value) {
    return bits(offset, bit, bit, value ? 1 : 0);
  }

  private static int mask(int high, int low) {
    return -1 >>> (31 - (high - low));
  }
}
