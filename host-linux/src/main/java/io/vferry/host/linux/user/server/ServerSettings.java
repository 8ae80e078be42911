package io.vferry.host.linux.user.server;

import io.vferry.host.linux.user.wire.DmaLayout;
import java.util.concurrent.TimeUnit;

/**
 * What a server grants its clients, and where it follows one of several readings of the protocol.
 * {@link #DEFAULT} suits QEMU, libvfio-user and this project's own client; the {@code with} methods
 * return copies that differ in one point.
 *
 * @param maxMsgFds how many files it takes with one message, 1 to 253
 * @param maxDataXferSize how many bytes of data it takes or sends in one message, 4 KiB to 64 MiB
 * @param maxDmaMaps how many DMA mappings a client may have, 1 or more
 * @param quiescence whether the client learns of the states in which a device starts no DMA to its
 *     peers; the protocol's text does not know them
 * @param wholeStopCopy whether the data read in STOP_COPY are complete whatever was read before, as
 *     some clients expect who throw away what they read in PRE_COPY
 * @param longWriteReply whether the reply to MIG_DATA_WRITE says how much was taken, as in the
 *     later revision of the specification, or is empty
 * @param shortDmaMessages whether the server writes DMA_READ and DMA_WRITE as the client of QEMU up
 *     to 10.2 understands them, with a count of 32 bits
 * @param filePerArea whether a region of which only parts can be mapped comes with a file for each
 *     part, as the clients of libvfio-user and SPDK want it, or with one, as in the specification
 *     and as QEMU's client wants it
 * @param dmaDeadlineNanos how long a client may take to answer such a command
 */
public record ServerSettings(
    int maxMsgFds,
    int maxDataXferSize,
    int maxDmaMaps,
    boolean quiescence,
    boolean wholeStopCopy,
    boolean longWriteReply,
    boolean shortDmaMessages,
    boolean filePerArea,
    long dmaDeadlineNanos) {

  private static final int SMALLEST_XFER = 4 << 10;
  private static final int LARGEST_XFER = 64 << 20;
  private static final int MOST_FDS = 253;

  /** What most clients are served well with. */
  public static final ServerSettings DEFAULT =
      new ServerSettings(
          8, 1 << 20, 65535, true, false, false, false, false, TimeUnit.SECONDS.toNanos(10));

  /** Checks the figures. */
  public ServerSettings {
    if (maxMsgFds < 1
        || maxMsgFds > MOST_FDS
        || maxDataXferSize < SMALLEST_XFER
        || maxDataXferSize > LARGEST_XFER
        || maxDmaMaps < 1
        || dmaDeadlineNanos < 1) {
      throw new IllegalArgumentException(
          "%d files, %d bytes, %d mappings, %d ns"
              .formatted(maxMsgFds, maxDataXferSize, maxDmaMaps, dmaDeadlineNanos));
    }
  }

  /** Returns settings with {@link #quiescence()} as said. */
  public ServerSettings withQuiescence(boolean shown) {
    return new ServerSettings(
        maxMsgFds,
        maxDataXferSize,
        maxDmaMaps,
        shown,
        wholeStopCopy,
        longWriteReply,
        shortDmaMessages,
        filePerArea,
        dmaDeadlineNanos);
  }

  /** Returns settings with {@link #wholeStopCopy()} as said. */
  public ServerSettings withWholeStopCopy(boolean whole) {
    return new ServerSettings(
        maxMsgFds,
        maxDataXferSize,
        maxDmaMaps,
        quiescence,
        whole,
        longWriteReply,
        shortDmaMessages,
        filePerArea,
        dmaDeadlineNanos);
  }

  /** Returns settings with {@link #longWriteReply()} as said. */
  public ServerSettings withLongWriteReply(boolean longer) {
    return new ServerSettings(
        maxMsgFds,
        maxDataXferSize,
        maxDmaMaps,
        quiescence,
        wholeStopCopy,
        longer,
        shortDmaMessages,
        filePerArea,
        dmaDeadlineNanos);
  }

  DmaLayout dmaLayout() {
    return shortDmaMessages ? DmaLayout.QEMU_10_2 : DmaLayout.CURRENT;
  }

  /** Returns settings with {@link #shortDmaMessages()} as said. */
  public ServerSettings withShortDmaMessages(boolean shorter) {
    return new ServerSettings(
        maxMsgFds,
        maxDataXferSize,
        maxDmaMaps,
        quiescence,
        wholeStopCopy,
        longWriteReply,
        shorter,
        filePerArea,
        dmaDeadlineNanos);
  }

  /** Returns settings with {@link #filePerArea()} as said. */
  public ServerSettings withFilePerArea(boolean each) {
    return new ServerSettings(
        maxMsgFds,
        maxDataXferSize,
        maxDmaMaps,
        quiescence,
        wholeStopCopy,
        longWriteReply,
        shortDmaMessages,
        each,
        dmaDeadlineNanos);
  }

  /** Returns settings with {@link #maxDataXferSize()} as said. */
  public ServerSettings withMaxDataXferSize(int bytes) {
    return new ServerSettings(
        maxMsgFds,
        bytes,
        maxDmaMaps,
        quiescence,
        wholeStopCopy,
        longWriteReply,
        shortDmaMessages,
        filePerArea,
        dmaDeadlineNanos);
  }

  /** Returns settings with {@link #maxDmaMaps()} as said. */
  public ServerSettings withMaxDmaMaps(int maps) {
    return new ServerSettings(
        maxMsgFds,
        maxDataXferSize,
        maps,
        quiescence,
        wholeStopCopy,
        longWriteReply,
        shortDmaMessages,
        filePerArea,
        dmaDeadlineNanos);
  }
}
