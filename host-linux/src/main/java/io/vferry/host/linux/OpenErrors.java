package io.vferry.host.linux;

import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;

/** Says what a node that cannot be opened means for the person who wanted the device. */
final class OpenErrors {

  private OpenErrors() {}

  /**
   * Explains why a node could not be opened.
   *
   * @param device for the message
   * @param missing what it means that the node is not there
   */
  static MigrationException explain(KernelError e, String device, String node, String missing) {
    String why =
        switch (e.errno()) {
          case Errno.EACCES, Errno.EPERM ->
              "permission denied on "
                  + node
                  + "; give this user read and write access to it, for example by a udev rule";
          case Errno.EBUSY ->
              node + " is in use by another process, or a device of its group is open another way";
          case Errno.ENOENT, Errno.ENODEV, Errno.ENXIO -> missing;
          case Errno.EMFILE -> "this process has too many open files; raise ulimit -n";
          default -> node + " cannot be opened";
        };
    return e.as(DeviceError.OPEN_FAILED, "device %s: %s".formatted(device, why));
  }
}
