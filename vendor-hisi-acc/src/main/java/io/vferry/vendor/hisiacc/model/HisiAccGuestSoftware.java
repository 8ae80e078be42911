package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.model.GuestDriver;
import io.vferry.spi.model.GuestRoom;
import io.vferry.spi.model.GuestSoftware;
import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import java.util.Optional;

/**
 * The driver that a guest would load, with a workload.
 *
 * @param workload what it does, with at most so many queues
 * @param loaded whether the guest loads the driver
 * @param isolation whether it rings for a queue on the queue's own page
 */
record HisiAccGuestSoftware(HisiAccWorkload workload, boolean loaded, boolean isolation)
    implements GuestSoftware {

  /** Returns the software for a device that is a model, here or in another process. */
  static Optional<GuestSoftware> of(HostDeviceInfo device) {
    for (HisiAccKind kind : HisiAccKind.values()) {
      if (knows(kind, device)) {
        // All doorbells are on the common page, too.
        return Optional.of(new HisiAccGuestSoftware(HisiAccWorkload.of(kind), true, false));
      }
    }
    return Optional.empty();
  }

  private static boolean knows(HisiAccKind kind, HostDeviceInfo device) {
    return device.vendorId() == HisiAccKind.VENDOR_ID
        && device.deviceId() == kind.vfDeviceId()
        && device.subsystemVendorId() == HisiAccConfigSpace.MODEL_VENDOR;
  }

  @Override
  public long memoryBytes() {
    return workload.layout().totalBytes();
  }

  @Override
  public Optional<Integer> peerRegion() {
    return Optional.empty();
  }

  @Override
  public GuestDriver install(GuestRoom room) throws MigrationException {
    if (!knows(workload.kind(), room.device().info())) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "device %s is no model of a virtual function of a %s accelerator"
              .formatted(room.deviceId(), workload.kind().title()));
    }
    return new HisiAccGuestDriver(
        room, workload, loaded, new HisiAccGuestRegisters(room.device(), isolation));
  }
}
