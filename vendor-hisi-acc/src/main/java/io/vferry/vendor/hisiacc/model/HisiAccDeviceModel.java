package io.vferry.vendor.hisiacc.model;

import com.google.auto.service.AutoService;
import io.vferry.spi.driver.SpiLevel;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.SharedParts;
import io.vferry.spi.model.DeviceModel;
import io.vferry.spi.model.GuestSoftware;
import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Functions of HiSilicon accelerators: the virtual ones {@code hisi-zip-vf}, {@code hisi-sec-vf}
 * and {@code hisi-hpre-vf}, and {@code hisi-zip-pf} and so on, the physical ones. Each virtual one
 * comes with a chip, and so a physical function, of its own unless chips are named.
 *
 * <p>Parameters of an address; times are written as {@code 50us}:
 *
 * <ul>
 *   <li>{@code qm} version of the queue manager, 2 to 5; {@code windows} whether the migration
 *       registers are in the physical function, from version 4; {@code vfs} number of virtual
 *       functions, {@code vf} which of them, from 0; {@code chip} a name, by which devices of one
 *       manifest or server share a chip; {@code queues} of each; {@code isolation} of doorbells;
 *       {@code capabilities}; {@code iommu-log} whether the host logs DMA; {@code host-page-64k}
 *   <li>{@code tick} how long a stage of a task takes; {@code work-ticks} how many stages the work
 *       itself takes; {@code fetched} tasks of a queue in flight
 *   <li>{@code guest} whether the guest loads its driver; {@code depth} of its queues; {@code
 *       task-rate} in a second; {@code task-bytes}; {@code seed}
 * </ul>
 */
@AutoService(DeviceModel.class)
@SuppressWarnings("exports") // The annotation is for the compiler only.
@SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)
public final class HisiAccDeviceModel implements DeviceModel {

  private static final String VIRTUAL = "-vf";
  private static final String PHYSICAL = "-pf";

  /** Creates the model; for {@link java.util.ServiceLoader}. */
  public HisiAccDeviceModel() {}

  @Override
  public List<String> names() {
    return Stream.of(VIRTUAL, PHYSICAL)
        .flatMap(role -> Stream.of(HisiAccKind.values()).map(kind -> name(kind, role)))
        .toList();
  }

  private static String name(HisiAccKind kind, String role) {
    return "hisi-" + kind.title() + role;
  }

  @Override
  public String description(String name) {
    return name.endsWith(PHYSICAL)
        ? "physical function of a HiSilicon accelerator, by which drivers work: chip, and what is"
            + " said of the virtual functions on it, but vf"
        : "virtual function of a HiSilicon accelerator: chip, vfs, vf, qm, windows, queues,"
            + " isolation, iommu-log, tick, work-ticks, guest, depth, task-rate, task-bytes,"
            + " seed";
  }

  @Override
  public HostDevice create(DeviceAddress address, OpenContext context) throws MigrationException {
    for (HisiAccKind kind : HisiAccKind.values()) {
      if (name(kind, VIRTUAL).equals(address.path())) {
        return open(kind, address, context);
      }
      if (name(kind, PHYSICAL).equals(address.path())) {
        if (address.parameters().containsKey("vf")) {
          throw new MigrationException(
              DeviceError.BAD_REQUEST,
              "device %s is a physical function, which has no parameter 'vf'"
                  .formatted(context.deviceId()));
        }
        return open(kind, address, context);
      }
    }
    throw new MigrationException(
        DeviceError.BAD_REQUEST,
        "there is no model '%s'; there are %s"
            .formatted(address.path(), String.join(", ", names())));
  }

  private static HostDevice open(HisiAccKind kind, DeviceAddress address, OpenContext context)
      throws MigrationException {
    HisiAccSettings settings = HisiAccSettings.read(kind, address);
    // Without a name the chip is this device's alone.
    String chip = settings.chip().isEmpty() ? "of " + context.deviceId() : settings.chip();
    SharedParts.Lease<HisiAccChip> lease =
        context
            .shared()
            .lease(
                HisiAccChip.class,
                kind.title() + " " + chip,
                () -> new HisiAccChip(settings, context.clock()),
                HisiAccChip::close);
    try {
      if (!lease.part().settings().sameChip(settings)) {
        throw new MigrationException(
            DeviceError.BAD_REQUEST,
            "device %s describes chip '%s' other than another device did; only vf may differ"
                .formatted(context.deviceId(), chip));
      }
      return address.path().endsWith(PHYSICAL)
          ? HisiAccModelDevice.pf(lease.part(), address, lease)
          : HisiAccModelDevice.vf(lease.part(), settings.vf() + 1, address, lease);
    } catch (MigrationException | RuntimeException e) {
      lease.close();
      throw e;
    }
  }

  @Override
  public Optional<GuestSoftware> guestSoftware(HostDeviceInfo device) {
    return HisiAccGuestSoftware.of(device);
  }
}
