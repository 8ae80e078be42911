package io.vferry.host.linux.user.client;

import io.vferry.host.linux.Companions;
import io.vferry.host.linux.Leftover;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DeviceParameters;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;

/**
 * The parameters of an address, read; {@link VfioUserBackend} says what they mean.
 *
 * @param deadlineNanos how long the server may take to answer a command
 * @param transferBytes how many bytes of data this side takes in one message
 * @param writeChunkBytes how many bytes of data it sends in one; empty to decide by what the server
 *     says of itself
 * @param memoryByFiles whether the server gets memory as a file where memory has one
 * @param keepPrecopyData whether data of pre-copy and of stop-copy make one stream
 * @param twinSocket whether the server is offered a second socket for its commands
 * @param leftover what becomes of a device that is not RUNNING after open
 * @param physicalFunction the socket of the device to open along with this one
 * @param virtualFunction its number among the virtual functions of that device
 */
record ClientParameters(
    long deadlineNanos,
    int transferBytes,
    OptionalInt writeChunkBytes,
    boolean memoryByFiles,
    boolean keepPrecopyData,
    boolean twinSocket,
    Leftover leftover,
    Optional<String> physicalFunction,
    OptionalInt virtualFunction) {

  private static final int SMALLEST_BYTES = 4 << 10;
  private static final int LARGEST_BYTES = 64 << 20;
  private static final int DEFAULT_BYTES = 1 << 20;
  private static final long DEFAULT_DEADLINE_NANOS = TimeUnit.SECONDS.toNanos(60);

  /** How the server reaches memory. */
  private enum Dma {
    FDS,
    MESSAGES
  }

  /** What becomes of data that were read in pre-copy. */
  private enum PrecopyData {
    KEEP,
    DISCARD
  }

  /** Reads them; unknown ones are refused, so that a typing error is not ignored in silence. */
  static ClientParameters of(DeviceAddress address) throws MigrationException {
    DeviceParameters in =
        new DeviceParameters(
            "the device " + address.scheme() + ":" + address.path(), address.parameters());
    ClientParameters read =
        new ClientParameters(
            in.nanos(
                "deadline",
                DEFAULT_DEADLINE_NANOS,
                TimeUnit.MILLISECONDS.toNanos(1),
                TimeUnit.DAYS.toNanos(1)),
            (int) in.bytes("transfer", DEFAULT_BYTES, SMALLEST_BYTES, LARGEST_BYTES),
            in.text("write-chunk").orElse("auto").equals("auto")
                ? OptionalInt.empty()
                : OptionalInt.of((int) in.bytes("write-chunk", 0, SMALLEST_BYTES, LARGEST_BYTES)),
            in.choice("dma", Dma.FDS) == Dma.FDS,
            in.choice("precopy-data", PrecopyData.KEEP) == PrecopyData.KEEP,
            in.flag("twin-socket", true),
            in.choice("leftover", Leftover.RESET),
            in.text("pf"),
            Companions.virtualFunction(in));
    in.finish();
    return read;
  }
}
