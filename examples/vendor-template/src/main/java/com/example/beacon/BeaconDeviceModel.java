package com.example.beacon;

import io.vferry.spi.driver.SpiLevel;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.model.DeviceModel;
import java.util.List;
import java.util.Map;

/** Beacons in software, for those who have none in hardware. */
@SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)
public final class BeaconDeviceModel implements DeviceModel {

  private static final int DEFAULT_STATE_BYTES = 256;
  private static final int MAX_STATE_BYTES = 2048;

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
    for (Map.Entry<String, String> parameter : address.parameters().entrySet()) {
      if (!parameter.getKey().equals("state") || !parameter.getValue().matches("[1-9][0-9]{0,3}")) {
        throw new MigrationException(
            DeviceError.BAD_REQUEST, "a Beacon has no parameter like " + parameter);
      }
    }
    String bytes =
        address.parameters().getOrDefault("state", Integer.toString(DEFAULT_STATE_BYTES));
    int stateBytes = Integer.parseInt(bytes);
    if (stateBytes > MAX_STATE_BYTES) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST, "a Beacon has at most " + MAX_STATE_BYTES + " bytes of state");
    }
    return new BeaconHardware(address, stateBytes);
  }
}
