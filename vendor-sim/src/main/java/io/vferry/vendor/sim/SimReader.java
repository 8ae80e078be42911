package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Reads untrusted little-endian values; whatever does not fit is {@code DATA_CORRUPT}. */
final class SimReader {

  private final String subject;
  private final ByteBuffer buffer;

  /**
   * Reads the remaining bytes of a buffer, which stays as it is.
   *
   * @param subject what is read, for messages
   */
  SimReader(String subject, ByteBuffer buffer) {
    this.subject = subject;
    this.buffer = buffer.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  int u32(String name) throws MigrationException {
    return need(Integer.BYTES, name).getInt();
  }

  long u64(String name) throws MigrationException {
    return need(Long.BYTES, name).getLong();
  }

  /** Reads a number that must lie between two others. */
  long u64(String name, long min, long max) throws MigrationException {
    long value = u64(name);
    if (value < min || value > max) {
      throw corrupt(name + " is " + value + ", not in " + min + " to " + max);
    }
    return value;
  }

  /** Reads a number that must lie between two others. */
  int u32(String name, int min, int max) throws MigrationException {
    int value = u32(name);
    if (value < min || value > max) {
      throw corrupt(name + " is " + value + ", not in " + min + " to " + max);
    }
    return value;
  }

  boolean flag(String name) throws MigrationException {
    return u32(name, 0, 1) == 1;
  }

  byte[] bytes(String name, int length) throws MigrationException {
    need(length, name);
    byte[] bytes = new byte[length];
    buffer.get(bytes);
    return bytes;
  }

  String text(String name, int maxBytes) throws MigrationException {
    return new String(bytes(name, u32(name, 0, maxBytes)), StandardCharsets.UTF_8);
  }

  long[] longs(String name, int max) throws MigrationException {
    int count = u32(name, 0, max);
    need(count * Long.BYTES, name);
    long[] values = new long[count];
    buffer.asLongBuffer().get(values);
    buffer.position(buffer.position() + count * Long.BYTES);
    return values;
  }

  int[] ints(String name, int max) throws MigrationException {
    int count = u32(name, 0, max);
    need(count * Integer.BYTES, name);
    int[] values = new int[count];
    buffer.asIntBuffer().get(values);
    buffer.position(buffer.position() + count * Integer.BYTES);
    return values;
  }

  int remaining() {
    return buffer.remaining();
  }

  void end() throws MigrationException {
    if (buffer.hasRemaining()) {
      throw corrupt(buffer.remaining() + " bytes too many");
    }
  }

  MigrationException corrupt(String what) {
    return new MigrationException(DeviceError.DATA_CORRUPT, subject + ": " + what);
  }

  private ByteBuffer need(int length, String name) throws MigrationException {
    if (buffer.remaining() < length) {
      throw corrupt(name + " is cut off");
    }
    return buffer;
  }
}
