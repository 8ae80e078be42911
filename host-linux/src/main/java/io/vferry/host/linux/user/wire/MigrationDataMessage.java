package io.vferry.host.linux.user.wire;

import java.nio.ByteBuffer;
import java.util.OptionalInt;

/**
 * {@link Command#MIG_DATA_READ} and {@link Command#MIG_DATA_WRITE}.
 *
 * @param argsz in a command to read the largest reply the client takes, else the size of what is
 *     sent; in bytes
 * @param size number of bytes of the stream
 * @param data the bytes where they belong, else empty; not copied from the message
 */
public record MigrationDataMessage(int argsz, int size, ByteBuffer data) implements Payload {

  /** Size of what comes before the data. */
  public static final int FIELDS_BYTES = 8;

  private static final int ARGSZ = 0;
  private static final int SIZE = 4;

  /** Returns the command that asks for up to so many bytes. */
  public static MigrationDataMessage read(int size) {
    return new MigrationDataMessage(FIELDS_BYTES + size, size, ByteBuffer.allocate(0));
  }

  /** Returns a message with data: the remaining bytes of a buffer, which are not copied. */
  public static MigrationDataMessage withData(ByteBuffer data) {
    return new MigrationDataMessage(FIELDS_BYTES + data.remaining(), data.remaining(), data);
  }

  /**
   * Reads the payload of a command to read.
   *
   * @param largestSize how many bytes one message may carry at most
   * @throws MalformedMessageException if it is not as specified
   */
  public static MigrationDataMessage decodeRead(ByteBuffer payload, int largestSize)
      throws MalformedMessageException {
    PayloadReader in = PayloadReader.exactly(Command.MIG_DATA_READ, payload, FIELDS_BYTES);
    int size = in.upTo(SIZE, largestSize, "the number of bytes to read");
    return new MigrationDataMessage(in.argsz(FIELDS_BYTES + size), size, ByteBuffer.allocate(0));
  }

  /**
   * Reads the payload of the reply to a command to read. It may be longer than its data.
   *
   * @param largestSize how many bytes were asked for
   * @throws MalformedMessageException if it is not as specified
   */
  public static MigrationDataMessage decodeReadReply(ByteBuffer payload, int largestSize)
      throws MalformedMessageException {
    PayloadReader in = PayloadReader.atLeast(Command.MIG_DATA_READ, payload, FIELDS_BYTES);
    int size =
        in.upTo(
            SIZE,
            Math.min(largestSize, in.sizeBytes() - FIELDS_BYTES),
            "the number of bytes that were read");
    return new MigrationDataMessage(in.i32(ARGSZ), size, in.slice(FIELDS_BYTES, size));
  }

  /**
   * Reads the payload of a command to write.
   *
   * @param largestSize how many bytes one message may carry at most
   * @throws MalformedMessageException if it is not as specified
   */
  public static MigrationDataMessage decodeWrite(ByteBuffer payload, int largestSize)
      throws MalformedMessageException {
    PayloadReader in = PayloadReader.atLeast(Command.MIG_DATA_WRITE, payload, FIELDS_BYTES);
    int size = in.upTo(SIZE, largestSize, "the number of bytes to write");
    int argsz = in.argsz(FIELDS_BYTES + size);
    return new MigrationDataMessage(argsz, size, in.rest(FIELDS_BYTES, size, "data"));
  }

  /**
   * Reads the payload of the reply to a command to write, which older peers leave out.
   *
   * @param written how many bytes were sent
   * @return how many bytes the peer says it took, if it says so
   * @throws MalformedMessageException if it is neither form
   */
  public static OptionalInt decodeWriteReply(ByteBuffer payload, int written)
      throws MalformedMessageException {
    if (!payload.hasRemaining()) {
      return OptionalInt.empty();
    }
    PayloadReader in = PayloadReader.exactly(Command.MIG_DATA_WRITE, payload, FIELDS_BYTES);
    return OptionalInt.of(in.upTo(SIZE, written, "the number of bytes taken"));
  }

  /** Returns the reply to a command to write, in the form of the later revision. */
  public static MigrationDataMessage written(int size) {
    return new MigrationDataMessage(FIELDS_BYTES, size, ByteBuffer.allocate(0));
  }

  @Override
  public int sizeBytes() {
    return FIELDS_BYTES + data.remaining();
  }

  @Override
  public void put(ByteBuffer out) {
    putFields(out);
    out.put(data.duplicate());
  }

  /** Writes only what comes before the data, for those who put the data there themselves. */
  public void putFields(ByteBuffer out) {
    out.putInt(argsz).putInt(size);
  }
}
