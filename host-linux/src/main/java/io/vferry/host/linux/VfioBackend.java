package io.vferry.host.linux;

import com.google.auto.service.AutoService;
import io.vferry.host.linux.syscall.Libc;
import io.vferry.spi.driver.SpiLevel;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Availability;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostBackend;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.OpenContext;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Devices of this host that are bound to VFIO drivers.
 *
 * <p>An address is {@code vfio:PATH}, where PATH is a PCI address ({@code 0000:3b:00.2}), the UUID
 * of a mediated device, or a node {@code /dev/vfio/devices/vfioN}. Parameters:
 *
 * <ul>
 *   <li>{@code path=group|cdev|auto}: through the group's node and a container, through the
 *       device's own node and iommufd, or (the default) through the device's own node where there
 *       is one.
 *   <li>{@code leftover=reset|keep}: what to do with a device that is not RUNNING when it is
 *       opened. A kernel gives out devices in RUNNING; but some sample drivers keep the state in
 *       which the last user closed them, while the data session that belongs to it is gone for
 *       good. {@code reset} (the default) resets such a device; {@code keep} leaves it for
 *       inspection. A device in RUNNING is never reset by opening it.
 *   <li>{@code pf=PATH}: the physical function of a virtual one, opened along with it and given to
 *       the driver as companion {@code pf}.
 *   <li>{@code vf-index=NUMBER}: which of the virtual functions of {@code pf} it is, from 0. The
 *       kernel tells, but not in a virtual machine to which both functions were handed on.
 * </ul>
 *
 * <p>Devices of one IOMMU group that are opened through one instance of this class share what the
 * kernel keeps once for the group.
 */
@AutoService(HostBackend.class)
@SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)
public final class VfioBackend implements HostBackend {

  private static final String SCHEME = "vfio";

  private final Sysfs sysfs;
  private final AddressSpaces spaces = new AddressSpaces();

  /** Creates the backend of this host. */
  public VfioBackend() {
    this(Sysfs.ofHost());
  }

  VfioBackend(Sysfs sysfs) {
    this.sysfs = sysfs;
  }

  @Override
  public String scheme() {
    return SCHEME;
  }

  @Override
  public Availability availability() {
    if (!Files.exists(sysfs.dev().resolve("vfio"))) {
      return Availability.no(
          "this host has no "
              + sysfs.dev().resolve("vfio")
              + "; load the kernel module vfio, or vfio-pci");
    }
    return Libc.availability();
  }

  @Override
  public List<HostDeviceInfo> list() {
    return sysfs.list().stream()
        .map(
            device ->
                new Description(
                        new DeviceAddress(SCHEME, device.name(), Map.of()),
                        device,
                        device.virtualFunction())
                    .listed())
        .toList();
  }

  @Override
  public HostDevice open(DeviceAddress address, OpenContext context) throws MigrationException {
    VfioParameters parameters = VfioParameters.of(address);
    if (!sysfs.understands(address.path())) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "'%s' is no VFIO device: write a PCI address (0000:3b:00.2), the UUID of a mediated device or a node (%s)"
              .formatted(address.path(), sysfs.dev().resolve("vfio/devices/vfio0")));
    }
    Availability availability = availability();
    if (!availability.available()) {
      throw new MigrationException(
          DeviceError.OPEN_FAILED,
          "device %s (%s): %s".formatted(context.deviceId(), address, availability.reason()));
    }
    return Companions.openWith(
        this,
        parameters.physicalFunction(),
        context,
        companions -> open(address, parameters, companions, context));
  }

  private HostDevice open(
      DeviceAddress address, VfioParameters parameters, Companions companions, OpenContext context)
      throws MigrationException {
    SysfsDevice device = find(address, context);
    AddressSpaces.Placed placed =
        spaces.open(device, parameters.accessPath(), preferredPath(device));
    OptionalInt virtualFunction =
        parameters.virtualFunction().isPresent()
            ? parameters.virtualFunction()
            : device.virtualFunction();
    VfioDevice opened;
    try {
      opened =
          VfioDevice.of(
              new Description(address, device, virtualFunction),
              spaces,
              placed,
              companions,
              context.clock());
    } catch (MigrationException | RuntimeException e) {
      placed.fd().close();
      spaces.release(placed);
      throw e;
    }
    try {
      Optional<HostMigration> migration = opened.capability(HostMigration.class);
      if (migration.isPresent()) {
        parameters
            .leftover()
            .settle(
                "device " + device.name(),
                migration.get(),
                opened::reset,
                "unbind and bind it anew");
      }
      return opened;
    } catch (MigrationException | RuntimeException e) {
      try {
        opened.close();
      } catch (MigrationException second) {
        e.addSuppressed(second);
      }
      throw e;
    }
  }

  private SysfsDevice find(DeviceAddress address, OpenContext context) throws MigrationException {
    SysfsDevice device =
        sysfs
            .find(address.path())
            .orElseThrow(
                () ->
                    new MigrationException(
                        DeviceError.OPEN_FAILED,
                        "device %s: there is no %s on this host"
                            .formatted(context.deviceId(), address.path())));
    if (!device.boundToVfio()) {
      throw new MigrationException(
          DeviceError.OPEN_FAILED,
          "device %s (%s) is %s; bind it to a VFIO driver: to the vendor's, such as mlx5_vfio_pci, if it shall migrate, else to vfio-pci"
              .formatted(
                  context.deviceId(),
                  device.name(),
                  device
                      .kernelDriver()
                      .map(driver -> "bound to " + driver + ", which is no VFIO driver")
                      .orElse("bound to no kernel driver")));
    }
    return device;
  }

  private AccessPath preferredPath(SysfsDevice device) {
    return device.node().isPresent() && Files.exists(sysfs.dev().resolve("iommu"))
        ? AccessPath.CDEV
        : AccessPath.GROUP;
  }
}
