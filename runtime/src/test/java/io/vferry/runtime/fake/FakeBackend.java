package io.vferry.runtime.fake;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Availability;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostBackend;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.OpenContext;
import java.util.ArrayList;
import java.util.List;

/**
 * Opens devices whose path says what they are: {@code VENDOR.DEVICE}, both hexadecimal; other paths
 * do not exist.
 */
public final class FakeBackend implements HostBackend {

  private final String scheme;
  private final Availability availability;
  private final List<FakeHostDevice> opened = new ArrayList<>();

  /** Creates a backend. */
  public FakeBackend(String scheme, Availability availability) {
    this.scheme = scheme;
    this.availability = availability;
  }

  /** Returns all devices that were opened. */
  public List<FakeHostDevice> opened() {
    return opened;
  }

  @Override
  public String scheme() {
    return scheme;
  }

  @Override
  public Availability availability() {
    return availability;
  }

  @Override
  public List<HostDeviceInfo> list() {
    return List.of();
  }

  @Override
  public HostDevice open(DeviceAddress address, OpenContext context) throws MigrationException {
    String[] numbers = address.path().split("\\.");
    if (numbers.length < 2) {
      throw new MigrationException(DeviceError.OPEN_FAILED, address + " does not exist");
    }
    FakeHostDevice device =
        new FakeHostDevice(
            address, Integer.parseInt(numbers[0], 16), Integer.parseInt(numbers[1], 16));
    opened.add(device);
    return device;
  }
}
