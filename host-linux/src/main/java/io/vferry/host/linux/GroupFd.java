package io.vferry.host.linux;

import io.vferry.host.linux.VfioUapi.GroupStatus;
import io.vferry.host.linux.syscall.Argument;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.syscall.Libc;

/** An open VFIO group: the devices that one IOMMU cannot tell apart. Opens once at a time. */
final class GroupFd implements AutoCloseable {

  private final Fd fd;

  private GroupFd(Fd fd) {
    this.fd = fd;
  }

  /** Returns the path of a group's node. */
  static String path(int group) {
    return "/dev/vfio/" + group;
  }

  static GroupFd open(int group) throws KernelError {
    String path = path(group);
    return new GroupFd(new Fd(KernelError.check("open " + path, Fd.open(path, Libc.O_RDWR))));
  }

  /** Whether each device of the group is bound to a VFIO driver, or to none. */
  boolean viable() throws KernelError {
    Argument status = Argument.sized(GroupStatus.SIZEOF);
    KernelError.check("VFIO_GROUP_GET_STATUS", fd.ioctl(VfioUapi.VFIO_GROUP_GET_STATUS, status));
    return (status.getInt(GroupStatus.FLAGS) & VfioUapi.VFIO_GROUP_FLAGS_VIABLE) != 0;
  }

  void setContainer(ContainerFd container) throws KernelError {
    KernelError.check(
        "VFIO_GROUP_SET_CONTAINER",
        fd.ioctlWithFd(VfioUapi.VFIO_GROUP_SET_CONTAINER, container.fd()));
  }

  /** Opens a device of the group by its name in sysfs. */
  DeviceFd openDevice(String name) throws KernelError {
    return new DeviceFd(
        new Fd(
            KernelError.check(
                "VFIO_GROUP_GET_DEVICE_FD",
                fd.ioctl(VfioUapi.VFIO_GROUP_GET_DEVICE_FD, Argument.text(name)))));
  }

  @Override
  public void close() {
    fd.close();
  }
}
