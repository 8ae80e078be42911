package io.vferry.host.linux;

import io.vferry.host.linux.VfioUapi.PrecopyInfo;
import io.vferry.host.linux.syscall.Argument;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.EventFd;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.syscall.Libc;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.MigrationData;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;

/**
 * The data of one session of a kernel device.
 *
 * <p>Reading is tried first and waits only when the kernel says that data are being made: a device
 * in pre-copy with nothing to give answers at once, while {@code poll} on it might never return.
 * What waits, waits in {@code poll} for the data and for {@link #close}.
 */
final class KernelMigrationData implements MigrationData {

  private static final int POLLFD_BYTES = 8;
  private static final int POLLFD_EVENTS = 4;

  private final String device;
  private final MigrationFd fd;
  private final boolean tellsReinit;
  private final EventFd closing;
  private final Argument bounce = new Argument(1 << 16);
  private volatile boolean closed;

  KernelMigrationData(String device, MigrationFd fd, boolean tellsReinit) throws KernelError {
    this.device = device;
    this.fd = fd;
    this.tellsReinit = tellsReinit;
    this.closing = new EventFd();
  }

  @Override
  public int read(ByteBuffer into) throws MigrationException {
    if (!into.hasRemaining()) {
      throw new MigrationException(DeviceError.BAD_REQUEST, "a read needs room for a byte");
    }
    boolean direct = into.isDirect();
    int length = direct ? into.remaining() : Math.min(into.remaining(), bounce.sizeBytes());
    long address = direct ? Argument.addressOf(into) : bounce.address();
    while (true) {
      checkOpen();
      long result;
      try {
        result = fd.read(address, length);
      } finally {
        Reference.reachabilityFence(into);
      }
      if (result == -Errno.EAGAIN) {
        await(Libc.POLLIN);
        continue;
      }
      // Nothing now is ENOMSG in some drivers, 0 in others (mlx5 and mtty in Linux 6.12).
      if (result == -Errno.ENOMSG) {
        return 0;
      }
      if (result < 0) {
        throw readFailed((int) -result);
      }
      if (direct) {
        into.position(into.position() + (int) result);
      } else {
        into.put(bounce.bytes().limit((int) result));
      }
      return (int) result;
    }
  }

  private MigrationException readFailed(int errno) {
    return new KernelError("read", errno)
        .as(
            ended(errno) ? DeviceError.SESSION_CLOSED : DeviceError.IO_FAILED,
            "migration data of device %s cannot be read".formatted(device));
  }

  @Override
  public int write(ByteBuffer from) throws MigrationException {
    if (!from.hasRemaining()) {
      return 0;
    }
    boolean direct = from.isDirect();
    int length = direct ? from.remaining() : Math.min(from.remaining(), bounce.sizeBytes());
    if (!direct) {
      bounce.bytes().put(from.duplicate().limit(from.position() + length));
    }
    long address = direct ? Argument.addressOf(from) : bounce.address();
    while (true) {
      checkOpen();
      long result;
      try {
        result = fd.write(address, length);
      } finally {
        Reference.reachabilityFence(from);
      }
      if (result == -Errno.EAGAIN) {
        await(Libc.POLLOUT);
        continue;
      }
      if (result < 0) {
        throw writeFailed((int) -result);
      }
      if (result == 0) {
        throw new MigrationException(
            DeviceError.IO_FAILED,
            "device %s takes no more migration data and does not say why".formatted(device));
      }
      from.position(from.position() + (int) result);
      return (int) result;
    }
  }

  private MigrationException writeFailed(int errno) {
    KernelError e = new KernelError("write", errno);
    return ended(errno)
        ? e.as(
            DeviceError.SESSION_CLOSED,
            "migration data cannot be written to device %s".formatted(device))
        : MigrationDataErrors.writing(e, device);
  }

  @Override
  public Precopy precopy() throws MigrationException {
    checkOpen();
    try {
      Argument info = fd.precopyInfo();
      return new Precopy(
          info.getLong(PrecopyInfo.INITIAL_BYTES),
          info.getLong(PrecopyInfo.DIRTY_BYTES),
          tellsReinit && (info.getInt(PrecopyInfo.FLAGS) & VfioUapi.VFIO_PRECOPY_INFO_REINIT) != 0);
    } catch (KernelError e) {
      throw e.as(
          switch (e.errno()) {
            case Errno.EINVAL -> DeviceError.WRONG_STATE;
            case Errno.ENODEV, Errno.EBADF -> DeviceError.SESSION_CLOSED;
            default -> DeviceError.IO_FAILED;
          },
          "the progress of the pre-copy of device %s cannot be read".formatted(device));
    }
  }

  /** Waits for the kernel or for {@link #close}. */
  private void await(short events) throws MigrationException {
    int data = fd.fd().claim();
    int wake = closing.fd().claim();
    try {
      if (data < 0 || wake < 0) {
        return;
      }
      Argument pollfds =
          new Argument(2 * POLLFD_BYTES)
              .putInt(0, data)
              .putShort(POLLFD_EVENTS, events)
              .putInt(POLLFD_BYTES, wake)
              .putShort(POLLFD_BYTES + POLLFD_EVENTS, Libc.POLLIN);
      int ready = Fd.poll(pollfds, 2);
      if (ready < 0 && ready != -Errno.EINTR) {
        throw new KernelError("poll", -ready)
            .as(DeviceError.IO_FAILED, "device %s cannot be waited for".formatted(device));
      }
    } finally {
      if (data >= 0) {
        fd.fd().release();
      }
      if (wake >= 0) {
        closing.fd().release();
      }
    }
  }

  private void checkOpen() throws MigrationException {
    if (closed) {
      throw new MigrationException(
          DeviceError.SESSION_CLOSED,
          "the migration data of device %s were closed".formatted(device));
    }
  }

  /** The session ended in the kernel, or this end was closed meanwhile. */
  private static boolean ended(int errno) {
    return errno == Errno.ENODEV || errno == Errno.EBADF;
  }

  @Override
  public void close() {
    closed = true;
    closing.signal();
    fd.close();
    closing.close();
  }
}
