package io.vferry.vendor.mlx5.model;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** A command, an answer or a context: an array of big-endian dwords with bit fields in them. */
final class Mlx5Message {

  private final byte[] content;
  private final ByteBuffer bytes;

  private Mlx5Message(byte[] content) {
    this.content = content;
    this.bytes = ByteBuffer.wrap(content);
  }

  /** Creates one that holds zeros. */
  static Mlx5Message ofLength(int lengthBytes) {
    return new Mlx5Message(new byte[lengthBytes]);
  }

  static Mlx5Message of(byte[] content) {
    return new Mlx5Message(content);
  }

  int lengthBytes() {
    return bytes.capacity();
  }

  byte[] content() {
    return content;
  }

  byte[] content(int offset, int lengthBytes) {
    return Arrays.copyOfRange(content, offset, offset + lengthBytes);
  }

  int dword(int offset) {
    return bytes.getInt(offset);
  }

  long qword(int offset) {
    return bytes.getLong(offset);
  }

  /** Returns bits {@code high} to {@code low} of the dword at an offset, bit 31 being the first. */
  int field(int offset, int high, int low) {
    return (int) (((dword(offset) & 0xffff_ffffL) >>> low) & ((1L << (high - low + 1)) - 1));
  }

  boolean bit(int offset, int bit) {
    return field(offset, bit, bit) != 0;
  }

  Mlx5Message dword(int offset, int value) {
    bytes.putInt(offset, value);
    return this;
  }

  Mlx5Message qword(int offset, long value) {
    bytes.putLong(offset, value);
    return this;
  }

  Mlx5Message field(int offset, int high, int low, int value) {
    long mask = (1L << (high - low + 1)) - 1;
    long old = dword(offset) & 0xffff_ffffL;
    return dword(offset, (int) ((old & ~(mask << low)) | ((value & mask) << low)));
  }

  Mlx5Message bit(int offset, int bit, boolean value) {
    return field(offset, bit, bit, value ? 1 : 0);
  }
}
