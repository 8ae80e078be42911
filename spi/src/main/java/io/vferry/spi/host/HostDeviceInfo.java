package io.vferry.spi.host;

import java.util.Map;

/**
 * What is known about a device without a driver.
 *
 * @param address where it is
 * @param bus {@code pci}, {@code mdev}, {@code sim}…
 * @param vendorId PCI vendor, 0 to 0xffff; 0 if the bus has none
 * @param deviceId PCI device, 0 to 0xffff; 0 if the bus has none
 * @param subsystemVendorId PCI subsystem vendor, 0 to 0xffff
 * @param subsystemDeviceId PCI subsystem device, 0 to 0xffff
 * @param hostMigration whether the host offers migration of this device by itself
 * @param properties what else is known, such as {@code kernel-driver} or {@code firmware}, by name
 *     in kebab case
 */
public record HostDeviceInfo(
    DeviceAddress address,
    String bus,
    int vendorId,
    int deviceId,
    int subsystemVendorId,
    int subsystemDeviceId,
    boolean hostMigration,
    Map<String, String> properties) {

  /** Creates a description; the properties are copied. */
  public HostDeviceInfo {
    properties = Map.copyOf(properties);
  }
}
