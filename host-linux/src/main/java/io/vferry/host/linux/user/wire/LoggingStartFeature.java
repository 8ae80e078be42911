package io.vferry.host.linux.user.wire;

import io.vferry.host.linux.VfioUapi.FeatureDmaLoggingControl;
import io.vferry.host.linux.VfioUapi.FeatureDmaLoggingRange;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Data of {@code VFIO_DEVICE_FEATURE_DMA_LOGGING_START}. Other than in the kernel the ranges follow
 * at once, and none means all.
 *
 * @param pageSize in bytes, not checked; in the reply the one that is used
 * @param ranges not checked
 */
public record LoggingStartFeature(long pageSize, List<Range> ranges) implements Payload {

  /**
   * A range of I/O virtual addresses.
   *
   * @param iova first address, unsigned
   * @param length bytes, unsigned
   */
  public record Range(long iova, long length) {}

  /** Creates the data; the list is copied. */
  public LoggingStartFeature {
    ranges = List.copyOf(ranges);
  }

  /**
   * Reads the data of command or reply.
   *
   * @throws MalformedMessageException if they are not as specified
   */
  public static LoggingStartFeature decode(ByteBuffer data) throws MalformedMessageException {
    PayloadReader in =
        PayloadReader.atLeast(Command.DEVICE_FEATURE, data, FeatureDmaLoggingControl.RANGES);
    int count =
        in.upTo(
            FeatureDmaLoggingControl.NUM_RANGES,
            (in.sizeBytes() - FeatureDmaLoggingControl.RANGES) / FeatureDmaLoggingRange.SIZEOF,
            "the number of ranges");
    List<Range> ranges = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      int at = FeatureDmaLoggingControl.RANGES + i * FeatureDmaLoggingRange.SIZEOF;
      ranges.add(
          new Range(
              in.i64(at + FeatureDmaLoggingRange.IOVA),
              in.i64(at + FeatureDmaLoggingRange.LENGTH)));
    }
    return new LoggingStartFeature(in.i64(FeatureDmaLoggingControl.PAGE_SIZE), ranges);
  }

  @Override
  public int sizeBytes() {
    return FeatureDmaLoggingControl.RANGES + ranges.size() * FeatureDmaLoggingRange.SIZEOF;
  }

  @Override
  public void put(ByteBuffer out) {
    out.putLong(pageSize).putInt(ranges.size()).putInt(0);
    for (Range range : ranges) {
      out.putLong(range.iova).putLong(range.length);
    }
  }
}
