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
    if (!device.bus().equals(SimHostDevice.BUS)) {
      return DriverMatch.none("not a simulated device but one on bus " + device.bus());
    }
    // A device that was only listed, not opened, has nothing but its address.
    String model = device.properties().getOrDefault(SimHostDevice.MODEL, device.address().path());
    if (SimProfile.named(model).isEmpty()) {
      return DriverMatch.none("no profile of the simulated device is called '" + model + "'");
    }
    if (device.hostMigration()) {
      return DriverMatch.none("the host keeps the migration registers and migrates it by itself");
    }
    return new DriverMatch(DriverMatch.Rank.EXACT, "the simulated device in profile " + model);
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
