package io.vferry.host.linux.user.server;

import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.user.wire.MalformedMessageException;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;

/** Why a command of a client is not carried out, and the error number that it is told. */
final class Refusal extends Exception {

  private static final long serialVersionUID = 1;

  private final int errno;

  Refusal(int errno, String detail) {
    super(detail);
    this.errno = errno;
  }

  private Refusal(int errno, String detail, Exception cause) {
    super(detail, cause);
    this.errno = errno;
  }

  static Refusal invalid(String detail) {
    return new Refusal(Errno.EINVAL, detail);
  }

  static Refusal noMigration() {
    return invalid("the device cannot be migrated through this server");
  }

  static Refusal of(MalformedMessageException e) {
    return new Refusal(e.errno(), String.valueOf(e.getMessage()), e);
  }

  /** Says in the kernel's numbers what a device answered. */
  static Refusal of(MigrationException e) {
    int errno =
        e.code() instanceof DeviceError known
            ? switch (known) {
              case BAD_REQUEST,
                  ACCESS_DENIED,
                  WRONG_STATE,
                  ARC_UNSUPPORTED,
                  DATA_CORRUPT,
                  DATA_INCOMPATIBLE,
                  DATA_TOO_LONG ->
                  Errno.EINVAL;
              case OUT_OF_RESOURCES -> Errno.ENOMEM;
              case TIMEOUT -> Errno.ETIMEDOUT;
              case DEVICE_LOST, SESSION_CLOSED -> Errno.ENODEV;
              case INTERRUPTED -> Errno.EINTR;
              case ARC_FAILED,
                  IO_FAILED,
                  RESET_FAILED,
                  OPEN_FAILED,
                  NOT_MIGRATABLE,
                  DMA_LOG_FAILED,
                  DRIVER_BROKEN ->
                  Errno.EIO;
            }
            : Errno.EIO;
    return new Refusal(e.errno().orElse(errno), e.code().label() + ": " + e.detail(), e);
  }

  /** A device or driver that threw what it must not throw. */
  static Refusal broken(RuntimeException e) {
    return new Refusal(Errno.EIO, "the device or its driver is broken: " + e, e);
  }

  int errno() {
    return errno;
  }
}
