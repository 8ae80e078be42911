package com.example.beacon;

import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.driver.SpiLevel;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;

/** Migrates Beacons. */
@SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)
public final class BeaconMigrationDriver implements MigrationDriver {

  /** Creates the driver; for {@link java.util.ServiceLoader}. */
  public BeaconMigrationDriver() {}

  @Override
  public DriverInfo info() {
    return new DriverInfo("beacon", "Example Corporation", "1.0.0");
  }

  @Override
  public DriverMatch match(HostDeviceInfo device) {
    // A model that was only listed has no PCI numbers yet, but a name.
    boolean listed = device.address().toString().matches("sim:beacon(\\?.*)?");
    return device.vendorId() == BeaconRegisters.VENDOR_ID || listed
        ? new DriverMatch(DriverMatch.Rank.EXACT, "a Beacon")
        : DriverMatch.none("no Beacon");
  }

  @Override
  public MigratableDevice attach(HostDevice device) throws MigrationException {
    if (device.regions().stream().noneMatch(one -> one.index() == BeaconRegisters.BAR)) {
      throw new MigrationException(
          DeviceError.NOT_MIGRATABLE,
          "the device at " + device.info().address() + " has no migration registers");
    }
    return new BeaconDevice(device, new BeaconRegisters(device.region(BeaconRegisters.BAR)));
  }
}
