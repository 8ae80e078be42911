package com.example.beacon;

import io.vferry.compat.v1.V1Device;
import io.vferry.compat.v1.V1Driver;
import io.vferry.compat.v1.V1Loading;
import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;

/** Migrates Beacons as in Linux 5.8. */
public final class BeaconV1Driver implements V1Driver {

  /** Creates the driver; for {@link java.util.ServiceLoader}. */
  public BeaconV1Driver() {}

  @Override
  public DriverInfo info() {
    return new DriverInfo("beacon", "Example Corporation", "0.9.0");
  }

  @Override
  public DriverMatch match(HostDeviceInfo device) {
    // A model that was only listed has no PCI numbers yet, but a name.
    boolean listed = device.address().toString().matches("sim:beacon(\\?.*)?");
    return device.vendorId() == BeaconRegisters.VENDOR_ID || listed
        ? new DriverMatch(DriverMatch.Rank.EXACT, "a Beacon")
        : DriverMatch.none("no Beacon");
  }

  /** A Beacon takes its state over as soon as RESUMING is cleared. */
  @Override
  public V1Loading loading() {
    return V1Loading.WHEN_LEFT;
  }

  @Override
  public V1Device attach(HostDevice device) throws MigrationException {
    if (device.regions().stream().noneMatch(one -> one.index() == BeaconRegisters.BAR)) {
      throw new MigrationException(
          DeviceError.NOT_MIGRATABLE,
          "the device at " + device.info().address() + " has no migration registers");
    }
    return BeaconV1Device.of(device, new BeaconRegisters(device.region(BeaconRegisters.BAR)));
  }
}
