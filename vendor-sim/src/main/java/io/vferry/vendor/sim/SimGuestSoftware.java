package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
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

  /** Returns the software for a device of a profile of which no more is known. */
  static SimGuestSoftware of(SimProfile profile) throws MigrationException {
    return new SimGuestSoftware(
        SimSettings.read(new DeviceAddress("sim", profile.name(), Map.of())));
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
