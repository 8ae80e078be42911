package io.vferry.host.linux.user.wire;

import io.vferry.host.linux.syscall.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Reads fields of a payload whose size was checked. Offsets count from its first byte. */
final class PayloadReader {

  private final Command command;
  private final ByteBuffer bytes;

  private PayloadReader(Command command, ByteBuffer bytes) {
    this.command = command;
    this.bytes = bytes;
  }

  /** Returns a reader of a payload that has at least the given size. */
  static PayloadReader atLeast(Command command, ByteBuffer payload, int minimumBytes)
      throws MalformedMessageException {
    if (payload.remaining() < minimumBytes) {
      throw new MalformedMessageException(
          Errno.EINVAL,
          "%s has %d bytes after the header; it needs %d"
              .formatted(command, payload.remaining(), minimumBytes));
    }
    return new PayloadReader(command, payload.slice().order(ByteOrder.nativeOrder()));
  }

  /** Returns a reader of a payload that has exactly the given size. */
  static PayloadReader exactly(Command command, ByteBuffer payload, int sizeBytes)
      throws MalformedMessageException {
    PayloadReader reader = atLeast(command, payload, sizeBytes);
    if (payload.remaining() != sizeBytes) {
      throw reader.malformed(
          "%d bytes were sent, %d expected".formatted(payload.remaining(), sizeBytes));
    }
    return reader;
  }

  /** Returns what to throw at this payload. */
  MalformedMessageException malformed(String detail) {
    return new MalformedMessageException(Errno.EINVAL, command + ": " + detail);
  }

  int sizeBytes() {
    return bytes.remaining();
  }

  int u16(int offset) {
    return bytes.getShort(offset) & 0xffff;
  }

  /** Flags, or a number that another check follows. */
  int i32(int offset) {
    return bytes.getInt(offset);
  }

  long i64(int offset) {
    return bytes.getLong(offset);
  }

  /** A number of 32 bits that may not exceed a limit. */
  int upTo(int offset, int largest, String what) throws MalformedMessageException {
    return limited(Integer.toUnsignedLong(bytes.getInt(offset)), largest, what);
  }

  /** A number of 64 bits that may not exceed a limit. */
  int upTo64(int offset, int largest, String what) throws MalformedMessageException {
    return limited(bytes.getLong(offset), largest, what);
  }

  private int limited(long value, int largest, String what) throws MalformedMessageException {
    if (value < 0 || value > largest) {
      throw malformed(
          "%s is %s, more than %d".formatted(what, Long.toUnsignedString(value), largest));
    }
    return (int) value;
  }

  /** Exactly the given number of bytes, which must end the payload. */
  ByteBuffer rest(int offset, int lengthBytes, String what) throws MalformedMessageException {
    if (bytes.remaining() - offset != lengthBytes) {
      throw malformed(
          "%d bytes of %s were sent, %d announced"
              .formatted(bytes.remaining() - offset, what, lengthBytes));
    }
    return slice(offset, lengthBytes);
  }

  /** A part that lies inside, as the caller checked. */
  ByteBuffer slice(int offset, int lengthBytes) {
    return bytes.slice(offset, lengthBytes).order(ByteOrder.nativeOrder());
  }

  /**
   * The field {@code argsz} at offset 0, of the largest reply that the sender takes, or of the
   * structure that it sends.
   */
  int argsz(int minimum) throws MalformedMessageException {
    long argsz = Integer.toUnsignedLong(bytes.getInt(0));
    if (argsz < minimum) {
      throw malformed("argsz is %d, less than %d".formatted(argsz, minimum));
    }
    return (int) Math.min(argsz, Integer.MAX_VALUE);
  }
}
