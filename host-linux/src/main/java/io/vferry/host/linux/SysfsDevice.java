package io.vferry.host.linux;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A device as sysfs shows it.
 *
 * @param name of its folder, by which VFIO knows it: a PCI address or the UUID of an mdev
 * @param bus {@code pci} or {@code mdev}
 * @param vendorId 0 if the bus has none, as the other ids
 * @param kernelDriver the driver it is bound to
 * @param mdevType the type it was created from, if it is an mdev
 * @param vfioName its name among the VFIO devices, {@code vfioN}; since Linux 6.1
 * @param node its own device node, where it has one
 * @param group the number of its IOMMU group
 * @param virtualFunction which virtual function of its physical one it is, from 0, if it is one
 * @param migrationInDebugfs whether the kernel shows, in debugfs, that it can migrate it
 */
record SysfsDevice(
    String name,
    String bus,
    int vendorId,
    int deviceId,
    int subsystemVendorId,
    int subsystemDeviceId,
    Optional<String> kernelDriver,
    Optional<String> mdevType,
    Optional<String> vfioName,
    Optional<Path> node,
    OptionalInt group,
    OptionalInt virtualFunction,
    boolean migrationInDebugfs) {

  /** Whether a VFIO driver has it. */
  boolean boundToVfio() {
    return vfioName.isPresent()
        || bus.equals("mdev")
        || kernelDriver.filter(driver -> driver.contains("vfio")).isPresent();
  }
}
