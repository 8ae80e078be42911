package io.vferry.host.linux.user.wire;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * {@link Command#DMA_READ} and {@link Command#DMA_WRITE}, as command and as reply.
 *
 * @param layout how it is laid out
 * @param address first I/O virtual address, unsigned
 * @param count number of bytes to access or accessed
 * @param data the bytes where they belong, else empty; not copied from the message
 */
public record DmaAccessMessage(DmaLayout layout, long address, int count, ByteBuffer data)
    implements Payload {

  private static final int ADDRESS = 0;
  private static final int COUNT = 8;

  /** Returns a message without data. */
  public static DmaAccessMessage withoutData(DmaLayout layout, long address, int count) {
    return new DmaAccessMessage(layout, address, count, ByteBuffer.allocate(0));
  }

  /** Returns a message with data: the remaining bytes of a buffer, which are not copied. */
  public static DmaAccessMessage withData(DmaLayout layout, long address, ByteBuffer data) {
    return new DmaAccessMessage(layout, address, data.remaining(), data);
  }

  /**
   * Reads the payload of a command to read, or of the reply to a write in {@link
   * DmaLayout#CURRENT}.
   *
   * @param command which of the two
   * @param largestCount how many bytes one message may carry at most
   * @throws MalformedMessageException if it is not as specified
   */
  public static DmaAccessMessage decodeWithoutData(
      Command command, DmaLayout layout, ByteBuffer payload, int largestCount)
      throws MalformedMessageException {
    return fields(
        PayloadReader.exactly(command, payload, layout.fieldsBytes() + layout.paddingBytes()),
        layout,
        largestCount);
  }

  /**
   * Reads the payload of a command to write, or of the reply to a read.
   *
   * @param command which of the two
   * @param largestCount how many bytes one message may carry at most
   * @throws MalformedMessageException if it is not as specified
   */
  public static DmaAccessMessage decodeWithData(
      Command command, DmaLayout layout, ByteBuffer payload, int largestCount)
      throws MalformedMessageException {
    PayloadReader in =
        PayloadReader.atLeast(command, payload, layout.fieldsBytes() + layout.paddingBytes());
    DmaAccessMessage fields = fields(in, layout, largestCount);
    ByteBuffer rest = in.rest(layout.fieldsBytes(), fields.count + layout.paddingBytes(), "data");
    return new DmaAccessMessage(
        layout,
        fields.address,
        fields.count,
        rest.slice(0, fields.count).order(ByteOrder.nativeOrder()));
  }

  private static DmaAccessMessage fields(PayloadReader in, DmaLayout layout, int largestCount)
      throws MalformedMessageException {
    String what = "the number of bytes to access";
    int count =
        layout == DmaLayout.CURRENT
            ? in.upTo64(COUNT, largestCount, what)
            : in.upTo(COUNT, largestCount, what);
    return withoutData(layout, in.i64(ADDRESS), count);
  }

  @Override
  public int sizeBytes() {
    return layout.fieldsBytes() + data.remaining() + layout.paddingBytes();
  }

  @Override
  public void put(ByteBuffer out) {
    out.putLong(address);
    if (layout == DmaLayout.CURRENT) {
      out.putLong(count);
    } else {
      out.putInt(count);
    }
    out.put(data.duplicate());
    for (int padding = 0; padding < layout.paddingBytes(); padding++) {
      out.put((byte) 0);
    }
  }
}
