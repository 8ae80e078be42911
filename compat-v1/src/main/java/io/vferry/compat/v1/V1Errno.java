package io.vferry.compat.v1;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.ErrorCode;
import io.vferry.spi.error.MigrationException;

/**
 * The error numbers that accesses to a v1 region give; numbers of Linux on x86-64 and arm64 ({@code
 * include/uapi/asm-generic/errno-base.h} and {@code errno.h}).
 */
enum V1Errno {
  EINTR(4),
  EIO(5),
  EAGAIN(11),
  ENOMEM(12),
  EBUSY(16),
  ENODEV(19),
  EINVAL(22),
  EFBIG(27),
  EMSGSIZE(90),
  ETIMEDOUT(110);

  private final int number;

  V1Errno(int number) {
    this.number = number;
  }

  int number() {
    return number;
  }

  /** Returns the refusal of an access that v1 does not allow; nothing has changed. */
  static MigrationException invalid(String what) {
    return new MigrationException(DeviceError.BAD_REQUEST, what).withErrno(EINVAL.number);
  }

  /** Returns the failure with the number a v1 client gets: the device's own, or what fits. */
  static MigrationException numbered(MigrationException failure) {
    return failure.errno().isPresent() ? failure : failure.withErrno(of(failure.code()).number);
  }

  private static V1Errno of(ErrorCode code) {
    if (!(code instanceof DeviceError error)) {
      return EIO;
    }
    return switch (error) {
      case ARC_UNSUPPORTED,
          WRONG_STATE,
          DATA_CORRUPT,
          DATA_INCOMPATIBLE,
          ACCESS_DENIED,
          BAD_REQUEST ->
          EINVAL;
      case DATA_TOO_LONG, OUT_OF_RESOURCES -> ENOMEM;
      case SESSION_CLOSED, DEVICE_LOST, NOT_MIGRATABLE, OPEN_FAILED -> ENODEV;
      case TIMEOUT -> ETIMEDOUT;
      case INTERRUPTED -> EINTR;
      case ARC_FAILED, IO_FAILED, RESET_FAILED, DMA_LOG_FAILED, DRIVER_BROKEN -> EIO;
    };
  }
}
