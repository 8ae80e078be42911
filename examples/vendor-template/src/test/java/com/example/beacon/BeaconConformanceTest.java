package com.example.beacon;

import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.tck.ConformanceTest;
import java.util.Optional;

class BeaconConformanceTest extends ConformanceTest {

  @Override
  public MigrationDriver driver() {
    return new BeaconMigrationDriver();
  }

  @Override
  public HostDevice open(OpenContext context) throws MigrationException {
    return open("sim:beacon", context);
  }

  @Override
  public Optional<HostDevice> openForeign(OpenContext context) throws MigrationException {
    return Optional.of(open("sim:beacon?state=128", context));
  }

  private static HostDevice open(String address, OpenContext context) throws MigrationException {
    return new BeaconDeviceModel().create(DeviceAddress.parse(address), context);
  }
}
