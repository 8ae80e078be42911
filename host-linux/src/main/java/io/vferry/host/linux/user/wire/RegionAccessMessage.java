package io.vferry.host.linux.user.wire;

import java.nio.ByteBuffer;

/**
 * {@link Command#REGION_READ} and {@link Command#REGION_WRITE}, as command and as reply.
 *
 * @param offset from the start of the region, unsigned
 * @param region index, unsigned
 * @param count number of bytes to access or accessed
 * @param data the bytes where they belong, else empty; not copied from the message
 */
public record RegionAccessMessage(long offset, int region, int count, ByteBuffer data)
    implements Payload {

  /** Size of what comes before the data. */
  public static final int FIELDS_BYTES = 16;

  private static final int OFFSET = 0;
  private static final int REGION = 8;
  private static final int COUNT = 12;

  /** Returns a message without data. */
  public static RegionAccessMessage withoutData(long offset, int region, int count) {
    return new RegionAccessMessage(offset, region, count, ByteBuffer.allocate(0));
  }

  /** Returns a message with data: the remaining bytes of a buffer, which are not copied. */
  public static RegionAccessMessage withData(long offset, int region, ByteBuffer data) {
    return new RegionAccessMessage(offset, region, data.remaining(), data);
  }

  /**
   * Reads the payload of a command to read, or of the reply to a write.
   *
   * @param command which of the two
   * @param largestCount how many bytes one message may carry at most
   * @throws MalformedMessageException if it is not as specified
   */
  public static RegionAccessMessage decodeWithoutData(
      Command command, ByteBuffer payload, int largestCount) throws MalformedMessageException {
    return fields(PayloadReader.exactly(command, payload, FIELDS_BYTES), largestCount);
  }

  /**
   * Reads the payload of a command to write, or of the reply to a read.
   *
   * @param command which of the two
   * @param largestCount how many bytes one message may carry at most
   * @throws MalformedMessageException if it is not as specified
   */
  public static RegionAccessMessage decodeWithData(
      Command command, ByteBuffer payload, int largestCount) throws MalformedMessageException {
    PayloadReader in = PayloadReader.atLeast(command, payload, FIELDS_BYTES);
    RegionAccessMessage fields = fields(in, largestCount);
    return new RegionAccessMessage(
        fields.offset, fields.region, fields.count, in.rest(FIELDS_BYTES, fields.count, "data"));
  }

  private static RegionAccessMessage fields(PayloadReader in, int largestCount)
      throws MalformedMessageException {
    int count = in.upTo(COUNT, largestCount, "the number of bytes to access");
    return withoutData(in.i64(OFFSET), in.i32(REGION), count);
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
    out.putLong(offset).putInt(region).putInt(count);
  }
}
