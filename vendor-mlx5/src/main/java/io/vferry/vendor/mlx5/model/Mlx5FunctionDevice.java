package io.vferry.vendor.mlx5.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A function of the card as the host presents it. */
final class Mlx5FunctionDevice implements HostDevice {

  /** Something of the card's that can fail. */
  @FunctionalInterface
  interface Action {
    void run() throws MigrationException;
  }

  private final HostDeviceInfo info;
  private final TreeMap<Integer, Region> regions = new TreeMap<>();
  private final Interrupts interrupts;
  private final DmaSpace dma;
  private final Map<Class<?>, Object> capabilities;
  private final @Nullable HostDevice physical;
  private final Action reset;
  private final Action close;
  private boolean closed;

  Mlx5FunctionDevice(
      HostDeviceInfo info,
      List<Region> regions,
      Interrupts interrupts,
      DmaSpace dma,
      Map<Class<?>, Object> capabilities,
      @Nullable HostDevice physical,
      Action reset,
      Action close) {
    this.info = info;
    regions.forEach(region -> this.regions.put(region.info().index(), region));
    this.interrupts = interrupts;
    this.dma = dma;
    this.capabilities = Map.copyOf(capabilities);
    this.physical = physical;
    this.reset = reset;
    this.close = close;
  }

  @Override
  public HostDeviceInfo info() {
    return info;
  }

  @Override
  public List<RegionInfo> regions() {
    return regions.values().stream().map(Region::info).toList();
  }

  @Override
  public Region region(int index) throws MigrationException {
    Region region = regions.get(index);
    if (region == null) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "%s has no region %d; it has %s".formatted(info.address(), index, regions.keySet()));
    }
    return region;
  }

  @Override
  public Interrupts interrupts() {
    return interrupts;
  }

  @Override
  public DmaSpace dma() {
    return dma;
  }

  @Override
  public void reset() throws MigrationException {
    reset.run();
  }

  @Override
  public Optional<HostDevice> companion(String role) {
    return role.equals("pf") ? Optional.ofNullable(physical) : Optional.empty();
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    return Optional.ofNullable(capabilities.get(type)).map(type::cast);
  }

  @Override
  public void close() throws MigrationException {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    close.run();
  }
}
