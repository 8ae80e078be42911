package io.vferry.host.linux.user.server;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import java.util.List;
import java.util.Optional;

/** A device whose region 0 is another one. */
record OneRegion(HostDevice device, Region region) implements HostDevice {

  @Override
  public HostDeviceInfo info() {
    return device.info();
  }

  @Override
  public List<RegionInfo> regions() {
    return List.of(region.info());
  }

  @Override
  public Region region(int index) {
    return region;
  }

  @Override
  public Interrupts interrupts() {
    return device.interrupts();
  }

  @Override
  public DmaSpace dma() {
    return device.dma();
  }

  @Override
  public void reset() throws MigrationException {
    device.reset();
  }

  @Override
  public Optional<HostDevice> companion(String role) {
    return Optional.empty();
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    return Optional.empty();
  }

  @Override
  public void close() {}
}
