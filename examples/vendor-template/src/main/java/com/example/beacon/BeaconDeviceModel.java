package com.example.beacon;

import io.vferry.spi.driver.SpiLevel;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DeviceParameters;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.model.DeviceModel;
import java.util.List;

/** Beacons in software, for those who have none in hardware. */
@SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)
public final class BeaconDeviceModel implements DeviceModel {

  private static final int DEFAULT_STATE_BYTES = 256;

  /** Creates the model; for {@link java.util.ServiceLoader}. */
  public BeaconDeviceModel() {}

  @Override
  public List<String> names() {
    return List.of("beacon");
  }

  @Override
  public String description(String name) {
    return "a Beacon; the parameter state says how many bytes of state it has, up to 2048";
  }

  @Override
  public HostDevice create(DeviceAddress address, OpenContext context) throws MigrationException {
    DeviceParameters in = new DeviceParameters("a Beacon", address.parameters());
    int stateBytes =
        (int) in.bytes("state", DEFAULT_STATE_BYTES, 1, BeaconRegisters.MAX_STATE_BYTES);
    in.finish();
    return new BeaconHardware(address, stateBytes, context.clock());
  }
}
