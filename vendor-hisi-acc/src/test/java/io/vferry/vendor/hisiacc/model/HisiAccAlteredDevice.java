package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/** A function as another host would present it. */
final class HisiAccAlteredDevice implements HostDevice {

  private final HostDevice device;
  private final Map<Integer, UnaryOperator<Region>> alterations = new HashMap<>();
  private HostDeviceInfo info;
  private Optional<HostDevice> pf;
  private Optional<Reset> reset = Optional.empty();
  private final Set<Class<?>> missing = new HashSet<>();

  /** What happens instead of a reset. */
  interface Reset {
    void run() throws MigrationException;
  }

  HisiAccAlteredDevice(HostDevice device) {
    this.device = device;
    this.info = device.info();
    this.pf = device.companion("pf");
  }

  HisiAccAlteredDevice withoutPf() {
    pf = Optional.empty();
    return this;
  }

  HisiAccAlteredDevice withPf(HostDevice other) {
    pf = Optional.of(other);
    return this;
  }

  HisiAccAlteredDevice at(String address, int deviceId, Map<String, String> properties) {
    info =
        new HostDeviceInfo(
            DeviceAddress.parse(address),
            "pci",
            info.vendorId(),
            deviceId,
            0,
            0,
            info.hostMigration(),
            properties);
    return this;
  }

  HisiAccAlteredDevice withRegion(int index, UnaryOperator<Region> alteration) {
    alterations.put(index, alteration);
    return this;
  }

  HisiAccAlteredDevice without(Class<?> capability) {
    missing.add(capability);
    return this;
  }

  /** Does something before each reset, which does not happen if that fails. */
  void beforeReset(Reset action) {
    reset = Optional.of(action);
  }

  @Override
  public HostDeviceInfo info() {
    return info;
  }

  @Override
  public List<RegionInfo> regions() {
    return device.regions();
  }

  @Override
  public Region region(int index) throws MigrationException {
    return alterations.getOrDefault(index, UnaryOperator.identity()).apply(device.region(index));
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
    if (reset.isPresent()) {
      reset.get().run();
    }
    device.reset();
  }

  @Override
  public Optional<HostDevice> companion(String role) {
    return pf;
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    return missing.contains(type) ? Optional.empty() : device.capability(type);
  }

  @Override
  public void close() throws MigrationException {
    device.close();
  }
}
