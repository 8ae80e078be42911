package io.vferry.tck;

import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.vendor.sim.SimDeviceModel;
import io.vferry.vendor.sim.SimMigrationDriver;

/** The kit as a vendor uses it with JUnit. */
class SerialPortConformanceTest extends ConformanceTest {

  @Override
  public MigrationDriver driver() {
    return new SimMigrationDriver();
  }

  @Override
  public HostDevice open(OpenContext context) throws MigrationException {
    return new SimDeviceModel().create(DeviceAddress.parse("sim:mtty"), context);
  }
}
