package io.vferry.tck;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import java.util.List;
import java.util.Optional;

/** A device of the right name that has no region, no interrupt and no ability but its clock. */
record BareHost(HostDeviceInfo info, HostClock clock) implements HostDevice {

  @Override
  public List<RegionInfo> regions() {
    return List.of();
  }

  @Override
  public Region region(int index) throws MigrationException {
    throw new MigrationException(DeviceError.BAD_REQUEST, "this device has no region " + index);
  }

  @Override
  public Interrupts interrupts() {
    return Interrupts.none();
  }

  @Override
  public DmaSpace dma() {
    return DmaSpace.unused();
  }

  @Override
  public void reset() throws MigrationException {
    throw new MigrationException(DeviceError.RESET_FAILED, "this device cannot be reset");
  }

  @Override
  public Optional<HostDevice> companion(String role) {
    return Optional.empty();
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    return type == HostClock.class ? Optional.of(type.cast(clock)) : Optional.empty();
  }

  @Override
  public void close() {}
}
