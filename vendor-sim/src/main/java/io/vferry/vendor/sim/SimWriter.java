package io.vferry.vendor.sim;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Writes little-endian values into memory that grows. */
final class SimWriter {

  private ByteBuffer buffer = ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN);

  SimWriter u32(int value) {
    room(Integer.BYTES).putInt(value);
    return this;
  }

  SimWriter u64(long value) {
    room(Long.BYTES).putLong(value);
    return this;
  }

  SimWriter bytes(byte[] value) {
    room(value.length).put(value);
    return this;
  }

  SimWriter text(String value) {
    byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
    return u32(utf8.length).bytes(utf8);
  }

  SimWriter longs(long[] values) {
    u32(values.length);
    room(values.length * Long.BYTES).asLongBuffer().put(values);
    buffer.position(buffer.position() + values.length * Long.BYTES);
    return this;
  }

  SimWriter ints(int[] values) {
    u32(values.length);
    room(values.length * Integer.BYTES).asIntBuffer().put(values);
    buffer.position(buffer.position() + values.length * Integer.BYTES);
    return this;
  }

  int size() {
    return buffer.position();
  }

  /** Returns what was written, ready to be read. */
  ByteBuffer finish() {
    return buffer.duplicate().order(ByteOrder.LITTLE_ENDIAN).flip();
  }

  private ByteBuffer room(int length) {
    if (buffer.remaining() < length) {
      int capacity = Math.max(buffer.capacity() * 2, Math.addExact(buffer.position(), length));
      buffer = ByteBuffer.allocate(capacity).order(ByteOrder.LITTLE_ENDIAN).put(buffer.flip());
    }
    return buffer;
  }
}
