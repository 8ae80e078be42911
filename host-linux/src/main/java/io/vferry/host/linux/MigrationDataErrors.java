package io.vferry.host.linux;

import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;

/** Says what it means that a device refuses migration data. */
public final class MigrationDataErrors {

  private MigrationDataErrors() {}

  /**
   * Explains why data could not be written.
   *
   * @param device for the message
   */
  public static MigrationException writing(KernelError e, String device) {
    return switch (e.errno()) {
      case Errno.ENOMEM, Errno.ENOSPC, Errno.E2BIG, Errno.EFBIG ->
          e.as(
              DeviceError.DATA_TOO_LONG,
              "device %s has no room for more migration data".formatted(device));
      case Errno.EFAULT, Errno.EINVAL, Errno.EPROTO, Errno.EBADMSG, Errno.EILSEQ ->
          e.as(DeviceError.DATA_CORRUPT, "device %s refuses the migration data".formatted(device));
      case Errno.EOPNOTSUPP ->
          e.as(
              DeviceError.DATA_INCOMPATIBLE,
              "device %s cannot load migration data of this kind".formatted(device));
      default ->
          e.as(
              DeviceError.IO_FAILED,
              "migration data cannot be written to device %s".formatted(device));
    };
  }
}
