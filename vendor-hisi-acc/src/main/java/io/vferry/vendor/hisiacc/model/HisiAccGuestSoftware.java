package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.model.GuestDriver;
import io.vferry.spi.model.GuestRoom;
import io.vferry.spi.model.GuestSoftware;
import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import java.util.Optional;

/** The driver that a guest would load, with a workload. */
record HisiAccGuestSoftware(HisiAccSettings settings) implements GuestSoftware {

  @Override
  public long memoryBytes() {
    return HisiAccGuestLayout.of(settings).totalBytes();
  }

  @Override
  public Optional<Integer> peerRegion() {
    return Optional.empty();
  }

  @Override
  public GuestDriver install(GuestRoom room) throws MigrationException {
    if (room.device().info().vendorId() != HisiAccKind.VENDOR_ID
        || room.device().info().deviceId() != settings.kind().vfDeviceId()) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "device %s is no virtual function of a %s accelerator"
              .formatted(room.deviceId(), settings.kind().title()));
    }
    return new HisiAccGuestDriver(room, settings);
  }
}
