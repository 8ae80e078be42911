package io.vferry.host.linux.user.wire;

import io.vferry.host.linux.VfioUapi.FeatureDmaLoggingReport;
import java.nio.ByteBuffer;

/**
 * Data of {@code VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT}. Other than in the kernel the bitmap
 * follows at once, in the reply only.
 *
 * @param iova first I/O virtual address, unsigned
 * @param length bytes, unsigned, not checked
 * @param pageSize in bytes, not checked
 * @param bitmap 64-bit words in native order, bit <i>n</i> for page <i>n</i> counted from {@code
 *     iova}; empty in a command, not copied from the message
 */
public record LoggingReportFeature(long iova, long length, long pageSize, ByteBuffer bitmap)
    implements Payload {

  /** Size of what comes before the bitmap. */
  public static final int FIELDS_BYTES = FeatureDmaLoggingReport.BITMAP;

  /** Returns the data of a command. */
  public static LoggingReportFeature question(long iova, long length, long pageSize) {
    return new LoggingReportFeature(iova, length, pageSize, ByteBuffer.allocate(0));
  }

  /**
   * Reads the data of a command, or of a reply up to the bitmap.
   *
   * @throws MalformedMessageException if they are not as specified
   */
  public static LoggingReportFeature decode(ByteBuffer data) throws MalformedMessageException {
    PayloadReader in = PayloadReader.atLeast(Command.DEVICE_FEATURE, data, FIELDS_BYTES);
    return new LoggingReportFeature(
        in.i64(FeatureDmaLoggingReport.IOVA),
        in.i64(FeatureDmaLoggingReport.LENGTH),
        in.i64(FeatureDmaLoggingReport.PAGE_SIZE),
        in.slice(FIELDS_BYTES, in.sizeBytes() - FIELDS_BYTES));
  }

  /**
   * Reads the data of a reply to this question.
   *
   * @return with exactly the bitmap that was asked for
   * @throws MalformedMessageException if the reply is to another question, or its bitmap too short
   */
  public LoggingReportFeature decodeReply(ByteBuffer data) throws MalformedMessageException {
    PayloadReader in = PayloadReader.atLeast(Command.DEVICE_FEATURE, data, FIELDS_BYTES);
    LoggingReportFeature reply = decode(data);
    if (reply.iova != iova || reply.length != length || reply.pageSize != pageSize) {
      throw in.malformed(
          "the log of 0x%x bytes at 0x%x was asked for, not of 0x%x bytes at 0x%x"
              .formatted(length, iova, reply.length, reply.iova));
    }
    long expected = bitmapBytes();
    if (reply.bitmap.remaining() < expected) {
      throw in.malformed(
          "the bitmap has %d bytes, not %d".formatted(reply.bitmap.remaining(), expected));
    }
    return new LoggingReportFeature(iova, length, pageSize, in.slice(FIELDS_BYTES, (int) expected));
  }

  /**
   * Returns the size of the bitmap for this question, in bytes.
   *
   * @return {@link Long#MAX_VALUE} if the question makes no sense: no length, or a page size that
   *     is no power of two
   */
  public long bitmapBytes() {
    if (length == 0 || Long.bitCount(pageSize) != 1) {
      return Long.MAX_VALUE;
    }
    long lastPage = (length - 1) >>> Long.numberOfTrailingZeros(pageSize);
    return ((lastPage >>> 6) + 1) * Long.BYTES;
  }

  @Override
  public int sizeBytes() {
    return FIELDS_BYTES + bitmap.remaining();
  }

  @Override
  public void put(ByteBuffer out) {
    out.putLong(iova).putLong(length).putLong(pageSize).put(bitmap.duplicate());
  }
}
