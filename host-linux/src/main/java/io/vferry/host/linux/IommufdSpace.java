package io.vferry.host.linux;

import io.vferry.host.linux.syscall.KernelError;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;

/** The address space of one group in an iommufd of its own. */
final class IommufdSpace implements IommuSpace {

  private final IommuFd iommu;
  private final int ioas;

  private IommufdSpace(IommuFd iommu, int ioas) {
    this.iommu = iommu;
    this.ioas = ioas;
  }

  /** Creates an address space for a device and what shares its group. */
  static IommufdSpace create(SysfsDevice device) throws MigrationException {
    IommuFd iommu;
    try {
      iommu = IommuFd.open();
    } catch (KernelError e) {
      throw OpenErrors.explain(
          e,
          device.name(),
          IommuFd.PATH,
          IommuFd.PATH + " is missing: load the kernel module iommufd, or use path=group");
    }
    try {
      return new IommufdSpace(iommu, iommu.allocate());
    } catch (KernelError e) {
      iommu.close();
      throw e.as(
          DeviceError.OPEN_FAILED,
          "device %s: iommufd gives no address space".formatted(device.name()));
    }
  }

  @Override
  public AccessPath path() {
    return AccessPath.CDEV;
  }

  @Override
  public DeviceFd open(SysfsDevice device) throws MigrationException {
    String node =
        device
            .node()
            .map(Object::toString)
            .orElseThrow(
                () ->
                    new MigrationException(
                        DeviceError.OPEN_FAILED,
                        "device %s has no node in /dev/vfio/devices; the kernel needs VFIO_DEVICE_CDEV, or use path=group"
                            .formatted(device.name())));
    DeviceFd fd;
    try {
      fd = DeviceFd.open(node);
    } catch (KernelError e) {
      throw OpenErrors.explain(e, device.name(), node, node + " is missing");
    }
    try {
      fd.bind(iommu);
    } catch (KernelError e) {
      fd.close();
      // A node opens any number of times but is bound once; the second is EINVAL in Linux 6.12.
      throw e.as(
          DeviceError.OPEN_FAILED,
          "device %s: it, or another device of its IOMMU group, is in use by another process"
              .formatted(device.name()));
    }
    try {
      fd.attach(ioas);
      return fd;
    } catch (KernelError e) {
      fd.close();
      throw e.as(
          DeviceError.OPEN_FAILED,
          "device %s cannot be put into an address space of iommufd".formatted(device.name()));
    }
  }

  @Override
  public IovaSpace space() throws KernelError {
    return iommu.space(ioas);
  }

  @Override
  public void map(
      long iova, long address, long lengthBytes, boolean deviceReads, boolean deviceWrites)
      throws KernelError {
    iommu.map(ioas, iova, address, lengthBytes, deviceReads, deviceWrites);
  }

  @Override
  public void unmap(long iova, long lengthBytes) throws KernelError {
    iommu.unmap(ioas, iova, lengthBytes);
  }

  @Override
  public void close() {
    try {
      iommu.destroy(ioas);
    } catch (KernelError e) {
      // Closing the file takes with it what is left.
    }
    iommu.close();
  }
}
