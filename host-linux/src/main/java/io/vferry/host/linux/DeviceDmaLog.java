package io.vferry.host.linux;

import io.vferry.host.linux.VfioUapi.Feature;
import io.vferry.host.linux.VfioUapi.FeatureDmaLoggingControl;
import io.vferry.host.linux.VfioUapi.FeatureDmaLoggingRange;
import io.vferry.host.linux.VfioUapi.FeatureDmaLoggingReport;
import io.vferry.host.linux.syscall.Argument;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;

/**
 * A device's own log of its DMA writes: {@code VFIO_DEVICE_FEATURE_DMA_LOGGING_*}, Linux 6.12,
 * {@code include/uapi/linux/vfio.h}.
 */
final class DeviceDmaLog implements DmaLog {

  /** The smallest page size that the kernel accepts in a report. */
  private static final long SMALLEST_PAGE_BYTES = 4096;

  /** More ranges than this are {@code E2BIG} (Linux 6.12, {@code drivers/vfio/vfio_main.c}). */
  private static final int LARGEST_RANGES = 256;

  private final String device;
  private final DeviceFd fd;
  private boolean on;

  private DeviceDmaLog(String device, DeviceFd fd) {
    this.device = device;
    this.fd = fd;
  }

  /**
   * Asks whether a device has a log.
   *
   * @return empty if it has none that can be read
   */
  static Optional<DeviceDmaLog> of(String device, DeviceFd fd) {
    if (!fd.probe(
        VfioUapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_START, VfioUapi.VFIO_DEVICE_FEATURE_SET)) {
      return Optional.empty();
    }
    // A kernel without IOMMUFD_DRIVER says that it has the feature, but cannot report: there the
    // bitmap code is left out. Nothing is logged yet, so asking loses nothing; a device that
    // refuses because its log is off gives another error.
    Argument bitmap = new Argument(Long.BYTES);
    int result = fd.execute(reportArgument(0, SMALLEST_PAGE_BYTES, SMALLEST_PAGE_BYTES, bitmap));
    bitmap.keep();
    return result == -Errno.EOPNOTSUPP || result == -Errno.ENOTTY
        ? Optional.empty()
        : Optional.of(new DeviceDmaLog(device, fd));
  }

  @Override
  public long start(List<MemoryRange> iovaRanges, long pageSizeBytes) throws MigrationException {
    if (on) {
      throw new MigrationException(
          DeviceError.WRONG_STATE, "device %s logs its DMA already".formatted(device));
    }
    if (iovaRanges.isEmpty()
        || Long.bitCount(pageSizeBytes) != 1
        || pageSizeBytes < SMALLEST_PAGE_BYTES) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "device %s cannot log %d ranges in pages of %d bytes"
              .formatted(device, iovaRanges.size(), pageSizeBytes));
    }
    List<MemoryRange> ranges = LoggedRanges.wholePages(iovaRanges, pageSizeBytes);
    if (ranges.size() > LARGEST_RANGES) {
      throw new MigrationException(
          DeviceError.OUT_OF_RESOURCES,
          "device %s can log at most %d ranges, not %d"
              .formatted(device, LARGEST_RANGES, ranges.size()));
    }
    Argument array = new Argument(ranges.size() * FeatureDmaLoggingRange.SIZEOF);
    for (int i = 0; i < ranges.size(); i++) {
      int at = i * FeatureDmaLoggingRange.SIZEOF;
      array
          .putLong(at + FeatureDmaLoggingRange.IOVA, ranges.get(i).start())
          .putLong(at + FeatureDmaLoggingRange.LENGTH, ranges.get(i).length());
    }
    Argument start =
        DeviceFd.feature(
                VfioUapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_START,
                VfioUapi.VFIO_DEVICE_FEATURE_SET,
                FeatureDmaLoggingControl.SIZEOF)
            .putLong(Feature.DATA + FeatureDmaLoggingControl.PAGE_SIZE, pageSizeBytes)
            .putInt(Feature.DATA + FeatureDmaLoggingControl.NUM_RANGES, ranges.size())
            .putLong(Feature.DATA + FeatureDmaLoggingControl.RANGES, array.address());
    int result = fd.execute(start);
    array.keep();
    if (result < 0) {
      throw new KernelError("start DMA logging", -result)
          .as(
              switch (-result) {
                case Errno.ENOMEM, Errno.ENOSPC, Errno.E2BIG -> DeviceError.OUT_OF_RESOURCES;
                default -> DeviceError.DMA_LOG_FAILED;
              },
              "device %s cannot log its DMA".formatted(device));
    }
    on = true;
    return start.getLong(Feature.DATA + FeatureDmaLoggingControl.PAGE_SIZE);
  }

  @Override
  public void stop() throws MigrationException {
    if (!on) {
      return;
    }
    on = false;
    int result =
        fd.execute(
            DeviceFd.feature(
                VfioUapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP,
                VfioUapi.VFIO_DEVICE_FEATURE_SET,
                0));
    if (result < 0) {
      throw new KernelError("stop DMA logging", -result)
          .as(DeviceError.DMA_LOG_FAILED, "device %s goes on logging".formatted(device));
    }
  }

  @Override
  public void report(DirtyBitmap into) throws MigrationException {
    if (!on) {
      throw new MigrationException(
          DeviceError.DMA_LOG_FAILED, "device %s does not log its DMA".formatted(device));
    }
    ByteBuffer words = into.words();
    int result;
    try {
      result =
          fd.execute(
              reportArgument(
                  into.range().start(),
                  into.range().length(),
                  into.pageSizeBytes(),
                  Argument.addressOf(words)));
    } finally {
      Reference.reachabilityFence(words);
    }
    if (result < 0) {
      throw new KernelError("report DMA log", -result)
          .as(
              DeviceError.DMA_LOG_FAILED,
              "device %s cannot say what it wrote in %s".formatted(device, into.range()));
    }
  }

  private static Argument reportArgument(
      long iova, long lengthBytes, long pageSizeBytes, Argument bitmap) {
    return reportArgument(iova, lengthBytes, pageSizeBytes, bitmap.address());
  }

  private static Argument reportArgument(
      long iova, long lengthBytes, long pageSizeBytes, long bitmapAddress) {
    return DeviceFd.feature(
            VfioUapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT,
            VfioUapi.VFIO_DEVICE_FEATURE_GET,
            FeatureDmaLoggingReport.SIZEOF)
        .putLong(Feature.DATA + FeatureDmaLoggingReport.IOVA, iova)
        .putLong(Feature.DATA + FeatureDmaLoggingReport.LENGTH, lengthBytes)
        .putLong(Feature.DATA + FeatureDmaLoggingReport.PAGE_SIZE, pageSizeBytes)
        .putLong(Feature.DATA + FeatureDmaLoggingReport.BITMAP, bitmapAddress);
  }
}
