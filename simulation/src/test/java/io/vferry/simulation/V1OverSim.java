package io.vferry.simulation;

import io.vferry.compat.v1.V1Device;
import io.vferry.compat.v1.V1Driver;
import io.vferry.compat.v1.V1Loading;
import io.vferry.compat.v1.V1MigrationRegion;
import io.vferry.compat.v1.V1RegionDevice;
import io.vferry.compat.v1.V1RegionSettings;
import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.vendor.sim.SimClock;
import io.vferry.vendor.sim.SimMigrationDriver;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * A v1 driver of simulated devices: it shows a v2 device through the v1 region, and its chunks have
 * many sizes.
 */
final class V1OverSim implements V1Driver {

  private final SimMigrationDriver real = new SimMigrationDriver();
  private final int windowBytes;
  private final long seed;
  private final boolean ofManySizes;

  /** Makes chunks that fill windows of a size. */
  static V1OverSim withWindow(int windowBytes) {
    return new V1OverSim(windowBytes, 0, false);
  }

  /** Makes chunks of one byte up to a size, each power of two as often as the others. */
  static V1OverSim ofManySizes(int windowBytes, long seed) {
    return new V1OverSim(windowBytes, seed, true);
  }

  private V1OverSim(int windowBytes, long seed, boolean ofManySizes) {
    this.windowBytes = windowBytes;
    this.seed = seed;
    this.ofManySizes = ofManySizes;
  }

  @Override
  public DriverInfo info() {
    return new DriverInfo("sim", "vferry", "5.8");
  }

  @Override
  public DriverMatch match(HostDeviceInfo device) {
    return real.match(device);
  }

  @Override
  public V1Loading loading() {
    return V1Loading.WHEN_LEFT;
  }

  private record Owner(MigratableDevice device, V1MigrationRegion region)
      implements V1RegionDevice.Owner {

    @Override
    public void reset() throws MigrationException {
      region.reset();
    }

    @Override
    public Map<String, String> describe() throws MigrationException {
      Optional<Compatibility> compatibility = device.capability(Compatibility.class);
      return compatibility.isPresent() ? compatibility.get().describe() : Map.of();
    }

    @Override
    public void close() throws MigrationException {
      region.close();
      device.close();
    }
  }

  @Override
  public V1Device attach(HostDevice host) throws MigrationException {
    MigratableDevice device = real.attach(host);
    V1MigrationRegion region =
        new V1MigrationRegion(
            device, new V1RegionSettings(9, windowBytes, false, 1_000_000_000, new SimClock(seed)));
    V1Device v1 = new V1RegionDevice(region, new Owner(device, region));
    return ofManySizes ? new RecutDevice(v1, new SplittableRandom(seed)) : v1;
  }
}
