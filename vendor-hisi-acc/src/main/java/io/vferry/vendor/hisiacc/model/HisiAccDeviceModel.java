package io.vferry.vendor.hisiacc.model;

import com.google.auto.service.AutoService;
import io.vferry.spi.driver.SpiLevel;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.model.DeviceModel;
import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import java.util.List;
import java.util.stream.Stream;

/**
 * Virtual functions of HiSilicon accelerators: {@code hisi-zip-vf}, {@code hisi-sec-vf} and {@code
 * hisi-hpre-vf}. Each comes with a chip, and a physical function, of its own.
 *
 * <p>Parameters of an address; times are written as {@code 50us}:
 *
 * <ul>
 *   <li>{@code qm} version of the queue manager, 2 to 5; {@code windows} whether the migration
 *       registers are in the physical function, from version 4; {@code vfs} number of virtual
 *       functions, of which the last is opened; {@code queues} of each; {@code isolation} of
 *       doorbells; {@code capabilities}; {@code iommu-log} whether the host logs DMA; {@code
 *       host-page-64k}
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

  /** Creates the model; for {@link java.util.ServiceLoader}. */
  public HisiAccDeviceModel() {}

  @Override
  public List<String> names() {
    return Stream.of(HisiAccKind.values()).map(HisiAccDeviceModel::name).toList();
  }

  private static String name(HisiAccKind kind) {
    return "hisi-" + kind.title() + "-vf";
  }

  @Override
  public String description(String name) {
    return "virtual function of a HiSilicon accelerator: qm, windows, vfs, queues, isolation,"
        + " iommu-log, tick, work-ticks, guest, depth, task-rate, task-bytes, seed";
  }

  @Override
  public HostDevice create(DeviceAddress address, OpenContext context) throws MigrationException {
    for (HisiAccKind kind : HisiAccKind.values()) {
      if (name(kind).equals(address.path())) {
        HisiAccChip chip =
            new HisiAccChip(HisiAccSettings.read(kind, address), context.clock());
        return HisiAccModelDevice.vf(chip, chip.settings().functions(), address, true);
      }
    }
    throw new MigrationException(
        DeviceError.BAD_REQUEST,
        "there is no model '%s'; there are %s"
            .formatted(address.path(), String.join(", ", names())));
  }
}
