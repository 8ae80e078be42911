package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * What the device says of itself, for the proof that nothing was lost: its {@link SimLedger} as
 * somebody else reads it.
 *
 * @param dmaPages size of the DMA area
 * @param inFlight how many tasks were fetched and not completed
 * @param outOfOrder the number of the first task in flight that is not the next one, or 0
 * @param outstanding messages that left and did not arrive
 * @param violations one sentence each
 * @param digests which writes the pages of the DMA area hold
 * @param localBytes size of the memory that the guest maps; negative if it cannot be read
 * @param localDigests what is in it
 */
record SimDeviceTruth(
    DeviceState state,
    long tag,
    long dmaPages,
    long dmaWrites,
    long doorbell,
    long fetched,
    long completed,
    long tasksDone,
    long inFlight,
    long outOfOrder,
    long messagesReceived,
    long irqStatus,
    int irqPending,
    long scratch,
    long outstanding,
    List<String> violations,
    List<Sent> sent,
    List<Long> channelEpochs,
    List<Long> received,
    List<Long> digests,
    long localBytes,
    List<Long> localDigests) {

  /** What the device sent to one peer. */
  record Sent(long address, long epoch, int channel, long count) {}

  private static final List<String> FAULTS =
      List.of(
          "peer-to-peer messages arrived while stopped",
          "peer-to-peer messages came out of order or damaged",
          "DMA accesses were started while stopped",
          "DMA accesses reached no memory",
          "tasks were submitted that make no sense");

  /**
   * Asks a device, in whatever state it is.
   *
   * @throws MigrationException {@code IO_FAILED} if it cannot be asked
   */
  static SimDeviceTruth of(HostDevice device) throws MigrationException {
    ByteBuffer in = ByteBuffer.allocate(SimLedger.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    if (device.region(RegionInfo.PCI_CONFIG).info().sizeBytes()
        >= SimLedger.OFFSET + SimLedger.BYTES) {
      device.region(RegionInfo.PCI_CONFIG).read(SimLedger.OFFSET, in);
    }
    in.clear().getLong();
    if (in.getLong() != SimLedger.MAGIC) {
      throw new MigrationException(
          DeviceError.IO_FAILED,
          "the device at %s does not tell what it did; it is of another version"
              .formatted(device.info().address()));
    }
    return new SimDeviceTruth(
        DeviceState.ofNumber((int) in.getLong()).orElse(DeviceState.ERROR),
        in.getLong(),
        in.getLong(),
        in.getLong(),
        in.getLong(),
        in.getLong(),
        in.getLong(),
        in.getLong(),
        in.getLong(),
        in.getLong(),
        in.getLong(),
        in.getLong(),
        (int) in.getLong(),
        in.getLong(),
        in.getLong(),
        faults(in),
        sent(in),
        channels(in, 0),
        channels(in, Long.BYTES),
        digests(in.position(in.position() + SimRegisters.CHANNELS * 2 * Long.BYTES)),
        in.getLong(),
        digests(in));
  }

  private static List<String> faults(ByteBuffer in) {
    List<String> violations = new ArrayList<>();
    for (String fault : FAULTS) {
      long count = in.getLong();
      if (count > 0) {
        violations.add(count + " " + fault);
      }
    }
    if (in.getLong() != 0) {
      violations.add("the versions of the pages of the device state are not the last ones");
    }
    long wrongPage = in.getLong() - 1;
    if (wrongPage >= 0) {
      violations.add(
          "page %d of the device state is not what its version holds".formatted(wrongPage));
    }
    return List.copyOf(violations);
  }

  private static List<Sent> sent(ByteBuffer in) {
    List<Sent> sent = new ArrayList<>();
    for (int peer = 0; peer < SimRegisters.PEERS; peer++) {
      long address = in.getLong();
      long channel = in.getLong();
      long count = in.getLong();
      if (address != 0) {
        sent.add(new Sent(address, channel >>> 32, (int) channel, count));
      }
    }
    return List.copyOf(sent);
  }

  /** Reads a column of the table of channels, and does not move on. */
  private static List<Long> channels(ByteBuffer in, int column) {
    List<Long> values = new ArrayList<>();
    for (int channel = 0; channel < SimRegisters.CHANNELS; channel++) {
      values.add(in.getLong(in.position() + column + channel * 2 * Long.BYTES));
    }
    return List.copyOf(values);
  }

  private static List<Long> digests(ByteBuffer in) {
    List<Long> digests = new ArrayList<>();
    for (int index = 0; index < SimLedger.DIGESTS; index++) {
      digests.add(in.getLong());
    }
    return List.copyOf(digests);
  }
}
