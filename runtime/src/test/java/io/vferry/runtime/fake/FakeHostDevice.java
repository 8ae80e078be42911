package io.vferry.runtime.fake;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A device that is there and has nothing in it; counts how often it was closed. */
public final class FakeHostDevice implements HostDevice {

  private final HostDeviceInfo info;
  private int closed;

  /** Creates a device with these PCI numbers. */
  public FakeHostDevice(DeviceAddress address, int vendorId, int deviceId) {
    this.info = info(address, vendorId, deviceId);
  }

  /** Describes a device. */
  public static HostDeviceInfo info(DeviceAddress address, int vendorId, int deviceId) {
    return new HostDeviceInfo(address, "pci", vendorId, deviceId, 0, 0, true, Map.of());
  }

  /** Returns how often it was closed. */
  public int closed() {
    return closed;
  }

  @Override
  public HostDeviceInfo info() {
    return info;
  }

  @Override
  public List<RegionInfo> regions() {
    return List.of();
  }

  @Override
  public Region region(int index) throws MigrationException {
    throw new MigrationException(DeviceError.BAD_REQUEST, "there is no region " + index);
  }

  @Override
  public Interrupts interrupts() {
    throw new UnsupportedOperationException("not needed here");
  }

  @Override
  public DmaSpace dma() {
    throw new UnsupportedOperationException("not needed here");
  }

  @Override
  public void reset() {}

  @Override
  public Optional<HostDevice> companion(String role) {
    return Optional.empty();
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    return Optional.empty();
  }

  @Override
  public void close() {
    closed++;
  }
}
