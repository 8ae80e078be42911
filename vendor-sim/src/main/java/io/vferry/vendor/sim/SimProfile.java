package io.vferry.vendor.sim;

import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.state.FeatureSet;
import java.util.List;
import java.util.Optional;

/**
 * What kind of device is simulated.
 *
 * @param name as in a device address
 * @param number in the model register and in streams
 * @param summary one sentence for people
 * @param features the migration flags of the kernel driver of that name
 * @param dmaLog whether that driver logs DMA
 * @param increments whether a pre-copy carries device data, not only a header for a match check
 * @param stateBytes default size of the device's own memory
 * @param initialBytes default size of the first pre-copy image
 * @param dirtyBytesPerSecond how fast the device's own memory changes
 * @param dmaBytesPerSecond how fast the device writes guest memory
 * @param tasksPerSecond how many tasks the guest's driver submits
 * @param serviceNanos what a stopping arc takes; others take parts of it
 */
record SimProfile(
    String name,
    int number,
    String summary,
    FeatureSet features,
    boolean dmaLog,
    boolean increments,
    long stateBytes,
    long initialBytes,
    long dirtyBytesPerSecond,
    long dmaBytesPerSecond,
    long tasksPerSecond,
    long serviceNanos) {

  private static final long KIB = 1L << 10;
  private static final long MIB = 1L << 20;

  /**
   * The drivers with migration in Linux; flags as in {@code migration_flags} and {@code log_ops} of
   * {@code drivers/vfio/pci/{mlx5,hisilicon,pds,qat,virtio,xe}} and {@code
   * samples/vfio-mdev/mtty.c}. Sizes, rates and times are this model's.
   */
  static final List<SimProfile> ALL =
      List.of(
          new SimProfile(
              "mlx5",
              1,
              "a network function with everything",
              FeatureSet.STOP_COPY_P2P_PRE_COPY,
              true,
              true,
              64 * MIB,
              8 * MIB,
              4 * MIB,
              8 * MIB,
              1000,
              1_000_000),
          new SimProfile(
              "hisi-acc",
              2,
              "an accelerator with a tiny state and no P2P",
              FeatureSet.STOP_COPY_PRE_COPY,
              false,
              false,
              176,
              0,
              0,
              4 * MIB,
              1000,
              200_000),
          new SimProfile(
              "pds",
              3,
              "a network function without pre-copy",
              FeatureSet.STOP_COPY_P2P,
              true,
              false,
              MIB,
              0,
              256 * KIB,
              4 * MIB,
              1000,
              500_000),
          new SimProfile(
              "qat",
              4,
              "an accelerator whose pre-copy carries a header only",
              FeatureSet.STOP_COPY_P2P_PRE_COPY,
              false,
              false,
              512 * KIB,
              0,
              256 * KIB,
              4 * MIB,
              1000,
              300_000),
          new SimProfile(
              "virtio",
              5,
              "a virtio function with pre-copy",
              FeatureSet.STOP_COPY_P2P_PRE_COPY,
              false,
              true,
              4 * MIB,
              4 * MIB,
              MIB,
              4 * MIB,
              1000,
              300_000),
          new SimProfile(
              "xe",
              6,
              "a graphics function with a large state, all of it in the downtime",
              FeatureSet.STOP_COPY_P2P,
              false,
              false,
              256 * MIB,
              0,
              64 * MIB,
              8 * MIB,
              500,
              2_000_000),
          new SimProfile(
              "mtty",
              7,
              "the sample serial port, which does no DMA",
              FeatureSet.STOP_COPY_P2P_PRE_COPY,
              true,
              false,
              96,
              0,
              0,
              0,
              0,
              0));

  /**
   * Returns how much memory the device has that the guest maps. A graphics function has: {@code
   * drivers/gpu/drm/xe/regs/xe_bars.h} of Linux 6.12 names its BAR.
   */
  int localMemoryBytes() {
    return name.equals("xe") ? 64 << 10 : 0;
  }

  /** Whether the device can reach memory at all. */
  boolean dma() {
    return !name.equals("mtty");
  }

  /** Returns the profile of an open device, by its PCI numbers. */
  static Optional<SimProfile> of(HostDeviceInfo device) {
    return ALL.stream()
        .filter(
            profile ->
                device.vendorId() == SimRegisters.VENDOR_ID
                    && device.deviceId() == SimConfigSpace.deviceId(profile))
        .findFirst();
  }

  static Optional<SimProfile> named(String name) {
    return ALL.stream().filter(profile -> profile.name.equals(name)).findFirst();
  }
}
