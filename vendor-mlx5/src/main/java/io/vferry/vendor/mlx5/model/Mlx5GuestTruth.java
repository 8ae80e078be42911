package io.vferry.vendor.mlx5.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a virtual function says of itself, for the proof that nothing was lost: its {@link
 * Mlx5Ledger} as somebody else reads it.
 *
 * @param dmaPages size of the DMA area
 * @param violations one sentence each
 * @param inFlight numbers of the requests fetched and not done
 * @param sent number of the last message to each peer, by the sender's key there
 * @param digests which writes the pages of the DMA area hold
 * @param received number of the last message of each sender, by its key
 */
record Mlx5GuestTruth(
    long tag,
    long dmaPages,
    long dmaWrites,
    long doorbell,
    long fetched,
    long completed,
    long requestsDone,
    long messagesReceived,
    int irqCause,
    int irqPending,
    long scratch,
    List<String> violations,
    List<Long> inFlight,
    Map<Long, Long> sent,
    List<Long> digests,
    Map<Long, Long> received) {

  private static final List<String> FAULTS =
      List.of(
          "accesses of the function reached nothing",
          "requests made no sense",
          "messages came out of order, or not at all",
          "messages came while it was suspended",
          "messages were left on the way");

  /**
   * Asks a function, in whatever state it is.
   *
   * @throws MigrationException {@code IO_FAILED} if it cannot be asked
   */
  static Mlx5GuestTruth of(HostDevice device) throws MigrationException {
    Region config = device.region(RegionInfo.PCI_CONFIG);
    ByteBuffer in = ByteBuffer.allocate(Mlx5Ledger.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    if (config.info().sizeBytes() >= Mlx5Ledger.OFFSET + Mlx5Ledger.BYTES) {
      config.read(Mlx5Ledger.OFFSET, in);
    }
    in.clear().getLong();
    try {
      if (in.getLong() == Mlx5Ledger.MAGIC) {
        return decode(in);
      }
    } catch (BufferUnderflowException e) {
      // As if it were not there.
    }
    throw new MigrationException(
        DeviceError.IO_FAILED,
        "device %s does not tell what it did; it is of another version"
            .formatted(device.info().address()));
  }

  private static Mlx5GuestTruth decode(ByteBuffer in) {
    return new Mlx5GuestTruth(
        in.getLong(),
        in.getLong(),
        in.getLong(),
        in.getLong(),
        in.getLong(),
        in.getLong(),
        in.getLong(),
        in.getLong(),
        (int) in.getLong(),
        (int) in.getLong(),
        in.getLong(),
        faults(in),
        longs(in, count(in)),
        sent(in),
        longs(in, Mlx5Ledger.DIGESTS),
        received(in));
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
      violations.add("the function runs with a state that was loaded in part");
    }
    if (in.getLong() != 0) {
      violations.add("the state of the function is not the last one");
    }
    return List.copyOf(violations);
  }

  private static int count(ByteBuffer in) {
    long count = in.getLong();
    if (count < 0 || count > in.remaining() / Long.BYTES) {
      throw new BufferUnderflowException();
    }
    return (int) count;
  }

  private static List<Long> longs(ByteBuffer in, int count) {
    List<Long> values = new ArrayList<>();
    for (int index = 0; index < count; index++) {
      values.add(in.getLong());
    }
    return List.copyOf(values);
  }

  private static Map<Long, Long> sent(ByteBuffer in) {
    Map<Long, Long> sent = new HashMap<>();
    for (int peer = 0; peer < Mlx5GuestRegisters.PEERS; peer++) {
      long address = in.getLong();
      long key = in.getLong();
      long number = in.getLong();
      if (address != 0) {
        sent.put(key, number);
      }
    }
    return Map.copyOf(sent);
  }

  private static Map<Long, Long> received(ByteBuffer in) {
    Map<Long, Long> received = new HashMap<>();
    for (int senders = count(in); senders > 0; senders--) {
      received.put(in.getLong(), in.getLong());
    }
    return Map.copyOf(received);
  }
}
