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
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.SharedParts;
import io.vferry.vendor.mlx5.queue.CommandException;
import io.vferry.vendor.mlx5.queue.FunctionSession;
import io.vferry.vendor.mlx5.queue.PhysicalFunction;
import java.util.Optional;
import java.util.Set;

/**
 * Migrates virtual functions of mlx5 devices: by commands on the queue of the physical function,
 * the companion {@code pf}, or by the host, where it offers that.
 */
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
    return new DriverMatch(
        DriverMatch.Rank.EXACT,
        device.hostMigration()
            ? "a virtual function of mlx5, which its kernel driver moves"
            : "a virtual function of mlx5, which its physical function moves");
  }

  @Override
  public MigratableDevice attach(HostDevice device) throws MigrationException {
    Optional<HostMigration> kernel = device.capability(HostMigration.class);
    if (kernel.isPresent()) {
      String firmware = device.info().properties().getOrDefault("firmware", "");
      return new Mlx5KernelDevice(
          device, kernel.get(), new Mlx5Compatibility(device.info(), firmware));
    }
    HostDevice physical =
        device
            .companion("pf")
            .orElseThrow(
                () ->
                    new MigrationException(
                        DeviceError.NOT_MIGRATABLE,
                        "the virtual function at %s comes without its physical function, whose"
                                .formatted(device.info().address())
                            + " command queue it needs; name it as companion pf, or bind the"
                            + " function to mlx5_vfio_pci"));
    int functionId = VhcaLookup.functionId(device);
    SharedParts parts = physical.capability(SharedParts.class).orElseGet(SharedParts::new);
    SharedParts.Lease<PhysicalFunction> lease =
        parts.lease(
            PhysicalFunction.class,
            "mlx5",
            () -> PhysicalFunction.start(physical),
            PhysicalFunction::close);
    try {
      FunctionSession session = lease.part().revive();
      VhcaLookup.Found found = VhcaLookup.find(device, session, functionId);
      return new Mlx5Device(
          device, lease, found, new Mlx5Compatibility(device.info(), session.firmware()));
    } catch (CommandException e) {
      throw abandon(lease, notMigratable(device, e));
    } catch (MigrationException e) {
      throw abandon(lease, e);
    }
  }

  private static MigrationException notMigratable(HostDevice device, CommandException e) {
    return e.toMigration("device " + device.info().address(), DeviceError.NOT_MIGRATABLE);
  }

  private static MigrationException abandon(
      SharedParts.Lease<PhysicalFunction> lease, MigrationException why) {
    try {
      lease.close();
    } catch (MigrationException e) {
      why.addSuppressed(e);
    }
    return why;
  }

  @Override
  public Optional<StreamInspector> inspector() {
    return Optional.of(new Mlx5StreamInspector());
  }
}
