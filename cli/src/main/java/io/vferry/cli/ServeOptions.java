package io.vferry.cli;

import io.vferry.host.linux.user.server.ServerSettings;
import picocli.CommandLine.Option;

/** Where clients of vfio-user read the protocol differently. */
final class ServeOptions {

  @Option(
      names = "--no-p2p",
      description =
          "Hide the states RUNNING_P2P and PRE_COPY_P2P, which the protocol's text does not know;"
              + " the device passes through them all the same.")
  private boolean noP2p;

  @Option(
      names = "--whole-stop-copy",
      description =
          "Send everything again in STOP_COPY, for a client that throws away what it read before.")
  private boolean wholeStopCopy;

  @Option(
      names = "--long-write-reply",
      description =
          "Say in the reply to MIG_DATA_WRITE how much was taken, as later revisions of the"
              + " specification want it.")
  private boolean longWriteReply;

  @Option(
      names = "--short-dma",
      description =
          "Write DMA_READ and DMA_WRITE with a count of 32 bits, as QEMU up to 10.2 reads them.")
  private boolean shortDma;

  @Option(
      names = "--file-per-area",
      description =
          "Send a file for each part of a region that can be mapped, as clients of libvfio-user"
              + " and SPDK read them; otherwise one for the region, as QEMU does.")
  private boolean filePerArea;

  @Option(
      names = "--max-transfer",
      paramLabel = "BYTES",
      description = "The most data in one message: 4096 to 67108864; 1048576 if not given.")
  private int maxTransfer = ServerSettings.DEFAULT.maxDataXferSize();

  /** Returns the settings, or complains. */
  ServerSettings settings() throws CommandException {
    try {
      return ServerSettings.DEFAULT
          .withQuiescence(!noP2p)
          .withWholeStopCopy(wholeStopCopy)
          .withLongWriteReply(longWriteReply)
          .withShortDmaMessages(shortDma)
          .withFilePerArea(filePerArea)
          .withMaxDataXferSize(maxTransfer);
    } catch (IllegalArgumentException e) {
      throw new CommandException(
          ExitCode.USAGE,
          "vferry: --max-transfer: " + maxTransfer + " is not in 4096 to 67108864",
          e);
    }
  }
}
