package io.vferry.vendor.mlx5;

import com.google.auto.service.AutoService;
import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.driver.SpiLevel;
import io.vferry.spi.driver.StreamInspector;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import java.util.Optional;
import java.util.Set;

/** Migrates virtual functions of mlx5 devices. */
@AutoService(MigrationDriver.class)
@SuppressWarnings("exports") // The annotation is for the compiler only.
@SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)
public final class Mlx5MigrationDriver implements MigrationDriver {

  /** PCI vendor of Mellanox, now NVIDIA. */
  private static final int VENDOR_ID = 0x15b3;

  /**
   * PCI devices that are virtual functions: ConnectX-4 to ConnectX-6 each have their own, later
   * ones share 0x101e. Source: Linux 6.12, {@code drivers/net/ethernet/mellanox/mlx5/core/main.c}.
   */
  private static final Set<Integer> VIRTUAL_FUNCTIONS =
      Set.of(0x1014, 0x1016, 0x1018, 0x101a, 0x101c, 0x101e, 0xa2d3);

  /** Creates the driver; for {@link java.util.ServiceLoader}. */
  public Mlx5MigrationDriver() {}

  @Override
  public DriverInfo info() {
    return new DriverInfo("mlx5", "vferry", "1.0");
  }

  @Override
  public DriverMatch match(HostDeviceInfo device) {
    if (device.vendorId() != VENDOR_ID) {
      return DriverMatch.none("PCI vendor %04x is not 15b3".formatted(device.vendorId()));
    }
    if (!VIRTUAL_FUNCTIONS.contains(device.deviceId())) {
      return DriverMatch.none(
          "PCI device 15b3:%04x is no virtual function of mlx5".formatted(device.deviceId()));
    }
    return new DriverMatch(DriverMatch.Rank.EXACT, "a virtual function of mlx5");
  }

  @Override
  public MigratableDevice attach(HostDevice device) throws MigrationException {
    if (device.companion("pf").isEmpty()) {
      throw new MigrationException(
          DeviceError.NOT_MIGRATABLE,
          "the virtual function at %s comes without its physical function, whose command queue it"
                  .formatted(device.info().address())
              + " needs; name it as companion pf");
    }
    throw new MigrationException(
        DeviceError.NOT_MIGRATABLE,
        "this version of the mlx5 driver has no arcs for the device at " + device.info().address());
  }

  @Override
  public Optional<StreamInspector> inspector() {
    return Optional.of(new Mlx5StreamInspector());
  }
}
