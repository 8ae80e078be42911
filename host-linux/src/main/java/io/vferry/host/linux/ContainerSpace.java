package io.vferry.host.linux;

import io.vferry.host.linux.syscall.KernelError;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;

/** The address space of one group in a container of its own. */
final class ContainerSpace implements IommuSpace {

  private final ContainerFd container;
  private final GroupFd group;

  private ContainerSpace(ContainerFd container, GroupFd group) {
    this.container = container;
    this.group = group;
  }

  /** Opens the group of a device. */
  static ContainerSpace create(SysfsDevice device) throws MigrationException {
    int number =
        device
            .group()
            .orElseThrow(
                () ->
                    new MigrationException(
                        DeviceError.OPEN_FAILED,
                        "device %s has no IOMMU group; turn on the IOMMU in the firmware and the kernel"
                            .formatted(device.name())));
    ContainerFd container;
    try {
      container = ContainerFd.open();
    } catch (KernelError e) {
      throw OpenErrors.explain(
          e,
          device.name(),
          ContainerFd.PATH,
          ContainerFd.PATH
              + " is missing: load the kernel module vfio, or use path=cdev if this kernel has no"
              + " VFIO containers");
    }
    try {
      GroupFd group = openGroup(device, number);
      try {
        join(container, group, device, number);
        return new ContainerSpace(container, group);
      } catch (MigrationException | RuntimeException e) {
        group.close();
        throw e;
      }
    } catch (MigrationException | RuntimeException e) {
      container.close();
      throw e;
    }
  }

  private static GroupFd openGroup(SysfsDevice device, int number) throws MigrationException {
    try {
      return GroupFd.open(number);
    } catch (KernelError e) {
      throw OpenErrors.explain(
          e,
          device.name(),
          GroupFd.path(number),
          GroupFd.path(number)
              + " is missing: its VFIO driver does not offer groups; try path=cdev");
    }
  }

  private static void join(ContainerFd container, GroupFd group, SysfsDevice device, int number)
      throws MigrationException {
    try {
      if (!container.usable()) {
        throw new MigrationException(
            DeviceError.OPEN_FAILED,
            "device %s: this kernel's container offers no IOMMU of type 1 version 2; load the module vfio_iommu_type1"
                .formatted(device.name()));
      }
      if (!group.viable()) {
        throw new MigrationException(
            DeviceError.OPEN_FAILED,
            ("device %s: other devices of its IOMMU group %d are bound to drivers that are not"
                    + " VFIO drivers; bind each device in /sys/kernel/iommu_groups/%d/devices to a"
                    + " VFIO driver")
                .formatted(device.name(), number, number));
      }
      group.setContainer(container);
      container.setIommu();
    } catch (KernelError e) {
      throw e.as(
          DeviceError.OPEN_FAILED,
          "device %s: its group %d cannot be put into a container"
              .formatted(device.name(), number));
    }
  }

  @Override
  public AccessPath path() {
    return AccessPath.GROUP;
  }

  @Override
  public DeviceFd open(SysfsDevice device) throws MigrationException {
    try {
      return group.openDevice(device.name());
    } catch (KernelError e) {
      throw e.as(
          DeviceError.OPEN_FAILED,
          "device %s cannot be opened through its group".formatted(device.name()));
    }
  }

  @Override
  public IovaSpace space() throws KernelError {
    return container.space();
  }

  @Override
  public void map(
      long iova, long address, long lengthBytes, boolean deviceReads, boolean deviceWrites)
      throws KernelError {
    container.map(iova, address, lengthBytes, deviceReads, deviceWrites);
  }

  @Override
  public void unmap(long iova, long lengthBytes) throws KernelError {
    container.unmap(iova, lengthBytes);
  }

  @Override
  public void close() {
    // The last device of the group is closed; closing the group takes it out of the container.
    group.close();
    container.close();
  }
}
