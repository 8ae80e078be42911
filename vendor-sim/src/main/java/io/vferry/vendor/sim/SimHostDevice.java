package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.host.ResetCount;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.model.GuestSoftware;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The simulated chip as the host presents it. */
final class SimHostDevice implements HostDevice {

  /** Name of the property that says which profile this is. */
  static final String MODEL = "model";

  static final String BUS = "sim";

  private final HostDeviceInfo info;
  private final SimHardware hardware;
  private final Map<Integer, Region> regions = new TreeMap<>();
  private final Optional<SimHostMigration> migration;

  SimHostDevice(DeviceAddress address, OpenContext context) throws MigrationException {
    SimSettings settings = SimSettings.read(address);
    this.hardware = new SimHardware(settings, context);
    int deviceId = SimConfigSpace.deviceId(settings.profile());
    this.info =
        new HostDeviceInfo(
            address,
            BUS,
            SimRegisters.VENDOR_ID,
            deviceId,
            SimRegisters.VENDOR_ID,
            settings.profile().number(),
            settings.hostMigration(),
            Map.of(
                MODEL,
                settings.profile().name(),
                "firmware",
                Integer.toString(settings.firmware())));
    SimGuestBar registers = new SimGuestBar(hardware);
    regions.put(
        SimRegisters.GUEST_BAR,
        hardware
            .localMemory()
            .<Region>map(memory -> new SimMemoryBar(registers, memory))
            .orElse(registers));
    regions.put(SimRegisters.MAILBOX_BAR, new SimMailbox(hardware));
    regions.put(RegionInfo.PCI_CONFIG, new SimConfigRegion(hardware));
    SimMigrationBar bar = new SimMigrationBar(hardware);
    if (settings.hostMigration()) {
      this.migration = Optional.of(new SimHostMigration(SimMigratableDevice.attach(this, bar)));
    } else {
      regions.put(SimRegisters.MIGRATION_BAR, bar);
      this.migration = Optional.empty();
    }
  }

  /** Returns the chip, for tests of this module. */
  SimHardware hardware() {
    return hardware;
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
          "the simulated device %s has no region %d; it has %s"
              .formatted(hardware.id(), index, regions.keySet()));
    }
    return region;
  }

  @Override
  public Interrupts interrupts() {
    return hardware.interrupts();
  }

  @Override
  public DmaSpace dma() {
    return hardware.dmaSpace();
  }

  @Override
  public void reset() throws MigrationException {
    hardware.reset();
  }

  @Override
  public Optional<HostDevice> companion(String role) {
    return Optional.empty();
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    if (type == DmaLog.class) {
      boolean offered = hardware.settings().dmaLog() || hardware.settings().iommuLog();
      return offered ? Optional.of(type.cast(hardware.dmaLog())) : Optional.empty();
    }
    if (type == HostClock.class) {
      return Optional.of(type.cast(hardware.clock()));
    }
    if (type == ResetCount.class) {
      return Optional.of(type.cast((ResetCount) hardware::resetsCompleted));
    }
    if (type == HostMigration.class) {
      return migration.map(type::cast);
    }
    if (type == GuestSoftware.class) {
      return Optional.of(type.cast(new SimGuestSoftware(hardware.settings())));
    }
    return Optional.empty();
  }

  @Override
  public void close() {
    migration.ifPresent(SimHostMigration::close);
    hardware.close();
  }
}
