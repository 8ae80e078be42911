package io.vferry.vendor.hisiacc;

import io.vferry.spi.driver.Compatibility.Difference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * The first 40 bytes of a stream: whether a device fits.
 *
 * @param magic which kind of stream
 * @param queueCount queues of the function
 * @param deviceId PCI device of the function
 * @param isolation whether queues have doorbell pages of their own, as the physical function says
 * @param firstQueue number of the first queue in the source's chip; means nothing elsewhere
 * @param guestState 0 if the guest's driver is ready
 * @param major version of the stream
 * @param minor version of the stream
 */
record HisiAccMatch(
    long magic,
    int queueCount,
    int deviceId,
    int isolation,
    int firstQueue,
    int guestState,
    int major,
    int minor) {

  /** What a device that fits this one says. */
  static HisiAccMatch of(HisiAccQueues queues, int deviceId, int isolation, int guestState) {
    return new HisiAccMatch(
        HisiAccStreamFormat.MAGIC_V2,
        queues.count(),
        deviceId,
        isolation,
        queues.first(),
        guestState,
        HisiAccStreamFormat.MAJOR,
        HisiAccStreamFormat.MINOR);
  }

  /** Reads what a stream begins with; at least 40 bytes from index 0. */
  static HisiAccMatch read(ByteBuffer stream) {
    ByteBuffer in = stream.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    return new HisiAccMatch(
        in.getLong(HisiAccStreamFormat.MAGIC),
        in.getInt(HisiAccStreamFormat.QUEUE_COUNT),
        in.getInt(HisiAccStreamFormat.DEVICE_ID),
        in.getInt(HisiAccStreamFormat.QUEUE_ISOLATION),
        in.getInt(HisiAccStreamFormat.FIRST_QUEUE),
        in.getInt(HisiAccStreamFormat.GUEST_STATE),
        in.getShort(HisiAccStreamFormat.MAJOR_VERSION) & 0xffff,
        in.getShort(HisiAccStreamFormat.MINOR_VERSION) & 0xffff);
  }

  /** Writes the first 40 bytes of a stream. */
  void write(ByteBuffer stream) {
    ByteBuffer out = stream.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(HisiAccStreamFormat.MAGIC, magic);
    out.putInt(HisiAccStreamFormat.QUEUE_COUNT, queueCount);
    out.putInt(HisiAccStreamFormat.DEVICE_ID, deviceId);
    out.putInt(HisiAccStreamFormat.QUEUE_ISOLATION, isolation);
    out.putInt(HisiAccStreamFormat.FIRST_QUEUE, firstQueue);
    out.putInt(HisiAccStreamFormat.GUEST_STATE, guestState);
    out.putShort(HisiAccStreamFormat.MAJOR_VERSION, (short) major);
    out.putShort(HisiAccStreamFormat.MINOR_VERSION, (short) minor);
    out.putLong(HisiAccStreamFormat.MATCH_RESERVED, 0);
  }

  /** Returns whether the rest can be understood at all. */
  boolean understood() {
    return HisiAccStreamFormat.understood(magic, major);
  }

  /**
   * Returns what forbids to load this into a device.
   *
   * @param here what the device says of itself
   */
  List<Difference> differences(HisiAccMatch here) {
    List<Difference> differences = new ArrayList<>();
    if (!understood()) {
      differences.add(
          new Difference(
              HisiAccCompatibility.FORMAT,
              "magic 0x%x version %d".formatted(magic, major),
              "magic 0x%x version %d, or magic 0x%x"
                  .formatted(
                      HisiAccStreamFormat.MAGIC_V2,
                      HisiAccStreamFormat.MAJOR,
                      HisiAccStreamFormat.MAGIC_V1)));
      return differences;
    }
    if (deviceId != here.deviceId) {
      differences.add(
          new Difference(
              HisiAccCompatibility.DEVICE_ID,
              HisiAccCompatibility.device(deviceId),
              HisiAccCompatibility.device(here.deviceId)));
    }
    if (queueCount != here.queueCount) {
      differences.add(
          new Difference(
              HisiAccCompatibility.QUEUE_COUNT,
              Integer.toUnsignedString(queueCount),
              Integer.toString(here.queueCount)));
    }
    if (isolation != here.isolation) {
      differences.add(
          new Difference(
              HisiAccCompatibility.QUEUE_ISOLATION,
              HisiAccCompatibility.onOff(isolation),
              HisiAccCompatibility.onOff(here.isolation)));
    }
    return differences;
  }
}
