package io.vferry.vendor.sim;

import com.google.auto.service.AutoService;
import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.driver.SpiLevel;
import io.vferry.spi.driver.StreamInspector;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.RegionInfo;
import java.util.Optional;

/** Migrates simulated devices through their migration registers. */
@AutoService(MigrationDriver.class)
@SuppressWarnings("exports") // The annotation is for the compiler only.
@SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)
public final class SimMigrationDriver implements MigrationDriver {

  /** Creates the driver; for {@link java.util.ServiceLoader}. */
  public SimMigrationDriver() {}

  @Override
  public DriverInfo info() {
    return new DriverInfo("sim", "vferry", SimStreamFormat.MAJOR + "." + SimStreamFormat.MINOR);
  }

  @Override
  public DriverMatch match(HostDeviceInfo device) {
    Optional<SimProfile> profile = profile(device);
    if (profile.isEmpty()) {
      return DriverMatch.none(
          "not a simulated device but %04x:%04x on bus %s"
              .formatted(device.vendorId(), device.deviceId(), device.bus()));
    }
    if (device.hostMigration()) {
      return DriverMatch.none("the host keeps the migration registers and migrates it by itself");
    }
    return new DriverMatch(
        DriverMatch.Rank.EXACT, "the simulated device in profile " + profile.get().name());
  }

  /** Whichever process has the device, its PCI numbers tell; one that is only listed has none. */
  private static Optional<SimProfile> profile(HostDeviceInfo device) {
    return device.vendorId() == 0 && device.bus().equals(SimHostDevice.BUS)
        ? SimProfile.named(device.address().path())
        : SimProfile.of(device);
  }

  @Override
  public MigratableDevice attach(HostDevice device) throws MigrationException {
    boolean present = false;
    for (RegionInfo region : device.regions()) {
      present |= region.index() == SimRegisters.MIGRATION_BAR;
    }
    if (!present) {
      throw new MigrationException(
          DeviceError.NOT_MIGRATABLE,
          "the device at %s has no migration registers in region %d; open it without"
                  .formatted(device.info().address(), SimRegisters.MIGRATION_BAR)
              + " host-migration=on");
    }
    return SimMigratableDevice.attach(device, device.region(SimRegisters.MIGRATION_BAR));
  }

  @Override
  public Optional<StreamInspector> inspector() {
    return Optional.of(new SimStreamInspector());
  }
}
