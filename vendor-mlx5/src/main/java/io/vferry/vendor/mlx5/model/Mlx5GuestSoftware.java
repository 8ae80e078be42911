package io.vferry.vendor.mlx5.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.model.GuestDriver;
import io.vferry.spi.model.GuestRoom;
import io.vferry.spi.model.GuestSoftware;
import java.util.Optional;

/** What a guest runs on a modelled virtual function. */
final class Mlx5GuestSoftware implements GuestSoftware {

  static final int RING_PAGES = 2;

  private final Mlx5VirtualFunction function;

  Mlx5GuestSoftware(Mlx5VirtualFunction function) {
    this.function = function;
  }

  @Override
  public long memoryBytes() {
    return (long) (RING_PAGES + function.settings.dmaPages) * Mlx5Pattern.PAGE_BYTES;
  }

  @Override
  public Optional<Integer> peerRegion() {
    return Optional.of(Mlx5GuestRegisters.MAILBOX_BAR);
  }

  @Override
  public GuestDriver install(GuestRoom room) throws MigrationException {
    if (room.device().info().vendorId() != Mlx5ConfigRegion.VENDOR) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST, "device %s is no ConnectX function".formatted(room.deviceId()));
    }
    return new Mlx5GuestDriver(room, function.settings.dmaPages);
  }
}
