package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.host.ResetCount;
import io.vferry.spi.host.SharedParts;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.model.GuestSoftware;
import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A function of a chip as the host presents it. */
final class HisiAccModelDevice implements HostDevice {

  private final HisiAccChip chip;
  private final int number;
  private final HostDeviceInfo info;
  private final Map<Integer, Region> regions = new TreeMap<>();
  private final Interrupts interrupts;
  private final DmaSpace dma;
  private final SharedParts.@Nullable Lease<HisiAccChip> lease;

  private HisiAccModelDevice(
      HisiAccChip chip,
      int number,
      HostDeviceInfo info,
      Interrupts interrupts,
      DmaSpace dma,
      SharedParts.@Nullable Lease<HisiAccChip> lease) {
    this.chip = chip;
    this.number = number;
    this.info = info;
    this.interrupts = interrupts;
    this.dma = dma;
    this.lease = lease;
  }

  /**
   * Opens a virtual function.
   *
   * @param number from 1
   * @param lease of the chip, given back when the function is closed
   */
  static HisiAccModelDevice vf(
      HisiAccChip chip,
      int number,
      DeviceAddress address,
      SharedParts.@Nullable Lease<HisiAccChip> lease) {
    HisiAccKind kind = chip.settings().kind();
    HisiAccFunctionModel function = chip.function(number);
    HisiAccModelDevice device =
        new HisiAccModelDevice(
            chip,
            number,
            info(
                address,
                kind.vfDeviceId(),
                Map.of("model", address.path(), "vf-index", Integer.toString(number - 1))),
            function.interrupts(),
            function.dma(),
            lease);
    device.add(
        HisiAccNumbers.QM_BAR,
        HisiAccNumbers.VF_BAR_BYTES,
        new HisiAccVfWords(chip, function, false));
    device.add(
        HisiAccNumbers.DOORBELL_BAR,
        chip.settings().doorbellBytes(),
        new HisiAccDoorbells(chip, function));
    device.add(RegionInfo.PCI_CONFIG, HisiAccConfigSpace.BYTES, chip.config(number));
    return device;
  }

  /**
   * Opens the physical function.
   *
   * @param lease of the chip, given back when the function is closed; null if a virtual function
   *     has the chip, whose companion this is
   */
  static HisiAccModelDevice pf(
      HisiAccChip chip, DeviceAddress address, SharedParts.@Nullable Lease<HisiAccChip> lease) {
    HisiAccKind kind = chip.settings().kind();
    HisiAccModelDevice device =
        new HisiAccModelDevice(
            chip,
            HisiAccChip.PHYSICAL,
            info(address, kind.pfDeviceId(), Map.of("model", address.path())),
            chip.function(HisiAccChip.PHYSICAL).interrupts(),
            chip.function(HisiAccChip.PHYSICAL).dma(),
            lease);
    device.add(HisiAccNumbers.QM_BAR, HisiAccChip.PF_BAR_BYTES, new HisiAccPfWords(chip));
    device.add(RegionInfo.PCI_CONFIG, HisiAccConfigSpace.BYTES, chip.config(HisiAccChip.PHYSICAL));
    return device;
  }

  private static HostDeviceInfo info(
      DeviceAddress address, int deviceId, Map<String, String> properties) {
    return new HostDeviceInfo(
        address,
        "pci",
        HisiAccKind.VENDOR_ID,
        deviceId,
        HisiAccConfigSpace.MODEL_VENDOR,
        deviceId,
        false,
        properties);
  }

  private void add(int index, long bytes, HisiAccModelRegion.Registers registers) {
    regions.put(index, new HisiAccModelRegion(chip, number, index, bytes, registers));
  }

  HisiAccChip chip() {
    return chip;
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
  public void reset() {
    chip.reset(number);
  }

  @Override
  public Optional<HostDevice> companion(String role) {
    return number != HisiAccChip.PHYSICAL && role.equals("pf")
        ? Optional.of(pf(chip, info.address(), null))
        : Optional.empty();
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    if (type == HostClock.class) {
      return Optional.of(type.cast(chip.clock()));
    }
    if (type == ResetCount.class) {
      return Optional.of(type.cast((ResetCount) () -> chip.function(number).resets()));
    }
    if (type == SharedParts.class && number == HisiAccChip.PHYSICAL) {
      return Optional.of(type.cast(chip.parts()));
    }
    if (type == DmaLog.class && number != HisiAccChip.PHYSICAL && chip.settings().iommuLog()) {
      return Optional.of(type.cast(chip.function(number).log()));
    }
    if (type == GuestSoftware.class && number != HisiAccChip.PHYSICAL) {
      HisiAccSettings settings = chip.settings();
      return Optional.of(
          type.cast(
              new HisiAccGuestSoftware(
                  settings.workload(), settings.guest(), settings.isolation())));
    }
    return Optional.empty();
  }

  @Override
  public void close() throws MigrationException {
    interrupts.disable(Interrupts.MSI);
    if (lease != null) {
      lease.close();
    }
  }
}
