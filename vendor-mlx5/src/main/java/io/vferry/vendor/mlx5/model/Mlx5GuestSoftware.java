package io.vferry.vendor.mlx5.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.model.GuestDriver;
import io.vferry.spi.model.GuestRoom;
import io.vferry.spi.model.GuestSoftware;
import java.util.Optional;

/**
 * What a guest runs on a modelled virtual function, in this process or another.
 *
 * @param dmaPages how large a DMA area there is memory for
 */
record Mlx5GuestSoftware(int dmaPages) implements GuestSoftware {

  static final int RING_PAGES = 2;

  /** As large as the DMA area of a function is of which nothing else was said. */
  static final int USUAL_DMA_PAGES = 64;

  /** Whether a device is a modelled virtual function. */
  static boolean knows(HostDeviceInfo device) {
    return device.vendorId() == Mlx5ConfigRegion.VENDOR
        && device.deviceId() == Mlx5ConfigRegion.VIRTUAL_DEVICE
        && device.subsystemVendorId() == Mlx5ConfigRegion.MODEL_VENDOR;
  }

  @Override
  public long memoryBytes() {
    return (long) (RING_PAGES + dmaPages) * Mlx5Pattern.PAGE_BYTES;
  }

  @Override
  public Optional<Integer> peerRegion() {
    return Optional.of(Mlx5GuestRegisters.MAILBOX_BAR);
  }

  @Override
  public GuestDriver install(GuestRoom room) throws MigrationException {
    if (!knows(room.device().info())) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "device %s is no model of a ConnectX function".formatted(room.deviceId()));
    }
    return new Mlx5GuestDriver(room);
  }
}
