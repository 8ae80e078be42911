package io.vferry.host.linux.user.wire;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * {@link Command#REGION_WRITE_MULTI}.
 *
 * @param writes in the order in which they are done
 */
public record RegionWriteMultiMessage(List<Write> writes) implements Payload {

  /** The most bytes that one of the writes has. */
  public static final int LARGEST_WRITE_BYTES = 8;

  private static final int COUNT = 0;
  private static final int WRITES = 8;

  private static final int WRITE_SIZEOF = 24;
  private static final int WRITE_OFFSET = 0;
  private static final int WRITE_REGION = 8;
  private static final int WRITE_COUNT = 12;
  private static final int WRITE_DATA = 16;

  /**
   * One write.
   *
   * @param offset from the start of the region, unsigned
   * @param region index, unsigned
   * @param count number of bytes, 1 to {@link #LARGEST_WRITE_BYTES}
   * @param data the bytes as they lie in memory, in the first {@code count} bytes of this number in
   *     native order
   */
  public record Write(long offset, int region, int count, long data) {

    /** Returns the write of a buffer's remaining bytes, 1 to {@link #LARGEST_WRITE_BYTES}. */
    public static Write of(long offset, int region, ByteBuffer bytes) {
      ByteBuffer data = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
      return new Write(offset, region, bytes.remaining(), data.put(bytes).getLong(0));
    }

    /** Returns the bytes to write. */
    public ByteBuffer bytes() {
      return ByteBuffer.allocate(Long.BYTES)
          .order(ByteOrder.nativeOrder())
          .putLong(0, data)
          .limit(count);
    }
  }

  /** Returns how many writes fit into a payload of some bytes. */
  public static int fittingIn(int payloadBytes) {
    return Math.max(0, (payloadBytes - WRITES) / WRITE_SIZEOF);
  }

  /** Creates a message; the list is copied. */
  public RegionWriteMultiMessage {
    writes = List.copyOf(writes);
  }

  /**
   * Reads the payload of the command.
   *
   * @throws MalformedMessageException if it is not as specified
   */
  public static RegionWriteMultiMessage decode(ByteBuffer payload)
      throws MalformedMessageException {
    PayloadReader in = PayloadReader.atLeast(Command.REGION_WRITE_MULTI, payload, WRITES);
    int count = in.upTo64(COUNT, (in.sizeBytes() - WRITES) / WRITE_SIZEOF, "the number of writes");
    in.rest(WRITES, count * WRITE_SIZEOF, "writes");
    List<Write> writes = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      int at = WRITES + i * WRITE_SIZEOF;
      int bytes = in.upTo(at + WRITE_COUNT, LARGEST_WRITE_BYTES, "the size of a write");
      if (bytes == 0) {
        throw in.malformed("write %d has no bytes".formatted(i));
      }
      writes.add(
          new Write(
              in.i64(at + WRITE_OFFSET),
              in.i32(at + WRITE_REGION),
              bytes,
              in.i64(at + WRITE_DATA)));
    }
    return new RegionWriteMultiMessage(writes);
  }

  /**
   * The reply.
   *
   * @param count how many of the writes were done, 0 or more
   */
  public record Done(int count) implements Payload {

    /**
     * Reads the payload of the reply.
     *
     * @param writes how many were to be done
     * @throws MalformedMessageException if it is not as specified
     */
    public static Done decode(ByteBuffer payload, int writes) throws MalformedMessageException {
      PayloadReader in = PayloadReader.exactly(Command.REGION_WRITE_MULTI, payload, Long.BYTES);
      return new Done(in.upTo64(COUNT, writes, "the number of writes done"));
    }

    @Override
    public int sizeBytes() {
      return Long.BYTES;
    }

    @Override
    public void put(ByteBuffer out) {
      out.putLong(count);
    }
  }

  @Override
  public int sizeBytes() {
    return WRITES + writes.size() * WRITE_SIZEOF;
  }

  @Override
  public void put(ByteBuffer out) {
    out.putLong(writes.size());
    for (Write write : writes) {
      out.putLong(write.offset).putInt(write.region).putInt(write.count).putLong(write.data);
    }
  }
}
