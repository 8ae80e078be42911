package io.vferry.host.linux.driver;

import com.google.auto.service.AutoService;
import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.driver.SpiLevel;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.HostMigration;

/**
 * The vendor-neutral driver: serves each device whose host offers {@link HostMigration}, that is,
 * whose kernel driver implements the migration state machine of Linux 5.18 and later.
 */
@AutoService(MigrationDriver.class)
@SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)
public final class VfioMigrationDriver implements MigrationDriver {

  private static final DriverInfo INFO = new DriverInfo("vfio", "vferry", "0.1.0");

  /** Creates the driver. */
  public VfioMigrationDriver() {}

  @Override
  public DriverInfo info() {
    return INFO;
  }

  @Override
  public DriverMatch match(HostDeviceInfo device) {
    return device.hostMigration()
        ? new DriverMatch(
            DriverMatch.Rank.GENERIC, "the host can migrate " + device.address() + " by itself")
        : DriverMatch.none("the host does not offer to migrate " + device.address());
  }

  @Override
  public MigratableDevice attach(HostDevice device) throws MigrationException {
    HostDeviceInfo info = device.info();
    HostMigration migration =
        device
            .capability(HostMigration.class)
            .orElseThrow(
                () -> new MigrationException(DeviceError.NOT_MIGRATABLE, notMigratable(info)));
    return new VfioMigratableDevice(device, migration);
  }

  private static String notMigratable(HostDeviceInfo info) {
    String driver = info.properties().getOrDefault("kernel-driver", "");
    String remedy =
        driver.equals("vfio-pci")
            ? "it is bound to vfio-pci, which migrates nothing; bind it to the vendor's VFIO driver, such as mlx5_vfio_pci"
            : driver.isEmpty()
                ? "its host has no migration for it"
                : "its kernel driver " + driver + " has no migration for this device or firmware";
    return "device %s cannot be migrated: %s".formatted(info.address(), remedy);
  }
}
