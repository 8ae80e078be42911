package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.model.GuestDriver;
import io.vferry.spi.model.GuestRoom;
import io.vferry.spi.model.GuestSoftware;
import java.util.Map;
import java.util.Optional;

/** The guest's software for one simulated device. */
final class SimGuestSoftware implements GuestSoftware {

  private final SimSettings settings;

  SimGuestSoftware(SimSettings settings) {
    this.settings = settings;
  }

  /**
   * Returns the software for a simulated device that comes without any, by its PCI numbers.
   *
   * @return empty if it is no simulated device
   */
  static Optional<GuestSoftware> forDevice(HostDeviceInfo device) throws MigrationException {
    if (device.vendorId() != SimRegisters.VENDOR_ID) {
      return Optional.empty();
    }
    for (SimProfile profile : SimProfile.ALL) {
      if (device.deviceId() == SimConfigSpace.deviceId(profile)) {
        DeviceAddress model = new DeviceAddress("sim", profile.name(), Map.of());
        return Optional.of(new SimGuestSoftware(SimSettings.read(model)));
      }
    }
    return Optional.empty();
  }

  /** Returns what two rings and the DMA area need. */
  @Override
  public long memoryBytes() {
    long dmaPages = settings.work() ? settings.dmaAreaPages() : 0;
    return (SimDriverState.RING_PAGES + dmaPages) << SimPattern.PAGE_SHIFT;
  }

  @Override
  public Optional<Integer> peerRegion() {
    return Optional.of(SimRegisters.MAILBOX_BAR);
  }

  @Override
  public GuestDriver install(GuestRoom room) throws MigrationException {
    if (room.device().info().vendorId() != SimRegisters.VENDOR_ID) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "the guest's driver of simulated devices does not know the device " + room.deviceId());
    }
    return new SimGuestDriver(room);
  }
}
