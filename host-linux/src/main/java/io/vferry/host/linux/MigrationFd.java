package io.vferry.host.linux;

import io.vferry.host.linux.VfioUapi.PrecopyInfo;
import io.vferry.host.linux.syscall.Argument;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;

/** The data stream of one migration session: no positions, bytes in order. */
final class MigrationFd implements AutoCloseable {

  private final Fd fd;

  /** Takes over the number that the kernel gave for a new session. */
  MigrationFd(int number) {
    this.fd = new Fd(number);
    // A read that would wait must not: it could not be ended by close. See KernelMigrationData.
    fd.setNonBlocking();
  }

  Fd fd() {
    return fd;
  }

  /** Reads once; returns the count or the error number negated. */
  long read(long address, long lengthBytes) {
    return fd.read(address, lengthBytes);
  }

  /** Writes once; returns the count or the error number negated. */
  long write(long address, long lengthBytes) {
    return fd.write(address, lengthBytes);
  }

  /**
   * Asks what is left to read in pre-copy. Everything but the size is zero before the call, because
   * some drivers fill in only one of the two figures (Linux 6.12, {@code
   * drivers/vfio/pci/mlx5/main.c}).
   */
  Argument precopyInfo() throws KernelError {
    Argument info = Argument.sized(PrecopyInfo.SIZEOF);
    KernelError.check(
        "VFIO_MIG_GET_PRECOPY_INFO", fd.ioctl(VfioUapi.VFIO_MIG_GET_PRECOPY_INFO, info));
    return info;
  }

  @Override
  public void close() {
    fd.close();
  }
}
