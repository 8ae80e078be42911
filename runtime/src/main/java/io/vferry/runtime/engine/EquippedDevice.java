package io.vferry.runtime.engine;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.model.GuestSoftware;
import java.util.List;
import java.util.Optional;

/** A device with software for the guest that it does not bring along. */
record EquippedDevice(HostDevice device, GuestSoftware software) implements HostDevice {

  @Override
  public HostDeviceInfo info() {
    return device.info();
  }

  @Override
  public List<RegionInfo> regions() {
    return device.regions();
  }

  @Override
  public Region region(int index) throws MigrationException {
    return device.region(index);
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
    return device.companion(role);
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    return type == GuestSoftware.class ? Optional.of(type.cast(software)) : device.capability(type);
  }

  @Override
  public void close() throws MigrationException {
    device.close();
  }
}
