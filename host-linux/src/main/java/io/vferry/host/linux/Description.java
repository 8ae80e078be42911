package io.vferry.host.linux;

import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDeviceInfo;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * A device and the address by which it is known.
 *
 * @param address as it was asked for, or as it is listed
 * @param device as sysfs shows it
 * @param virtualFunction which virtual function of its physical one it is, from 0, if it is one
 */
record Description(DeviceAddress address, SysfsDevice device, OptionalInt virtualFunction) {

  /** Drivers of Linux 6.12 and later that offer migration, of all devices or of most. */
  private static final Set<String> MIGRATING_DRIVERS =
      Set.of(
          "hisi_acc_vfio_pci",
          "hisi-acc-vfio-pci",
          "mlx5_vfio_pci",
          "pds_vfio_pci",
          "qat_vfio_pci",
          "virtio_vfio_pci",
          "xe_vfio_pci",
          "mtty");

  /** What is known without opening it: a guess from debugfs or from the kernel driver. */
  HostDeviceInfo listed() {
    Map<String, String> properties = properties();
    boolean byDriver = device.kernelDriver().filter(MIGRATING_DRIVERS::contains).isPresent();
    properties.put(
        "host-migration-known-from",
        device.migrationInDebugfs() ? "debugfs" : byDriver ? "kernel-driver" : "nothing");
    return info(device.migrationInDebugfs() || byDriver, properties);
  }

  /** What is known once it is open. */
  HostDeviceInfo info(boolean hostMigration, AccessPath path) {
    Map<String, String> properties = properties();
    properties.put("host-migration-known-from", "device");
    properties.put("access-path", path.text());
    return info(hostMigration, properties);
  }

  private HostDeviceInfo info(boolean hostMigration, Map<String, String> properties) {
    return new HostDeviceInfo(
        address,
        device.bus(),
        device.vendorId(),
        device.deviceId(),
        device.subsystemVendorId(),
        device.subsystemDeviceId(),
        hostMigration,
        properties);
  }

  private Map<String, String> properties() {
    Map<String, String> properties = new TreeMap<>();
    device.kernelDriver().ifPresent(driver -> properties.put("kernel-driver", driver));
    device.mdevType().ifPresent(type -> properties.put("mdev-type", type));
    device.node().ifPresent(node -> properties.put("vfio-node", node.toString()));
    device.group().ifPresent(group -> properties.put("iommu-group", Integer.toString(group)));
    virtualFunction.ifPresent(index -> properties.put("vf-index", Integer.toString(index)));
    return properties;
  }
}
