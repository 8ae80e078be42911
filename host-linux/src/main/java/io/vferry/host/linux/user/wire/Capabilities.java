package io.vferry.host.linux.user.wire;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What a side can do, as it says in {@code VERSION}. What is empty was not said; the methods whose
 * names begin with {@code effective} give what counts then.
 *
 * @param maxMsgFds how many files the side takes with one message, 0 or more
 * @param maxDataXferSize how many bytes of data the side takes in one message, at least 1
 * @param maxDmaMaps how many DMA mappings it allows at a time, at least 0
 * @param pgsizes the page sizes of DMA mappings, one bit for each
 * @param twinSocket whether commands of the server go over a second socket
 * @param writeMultiple whether {@code REGION_WRITE_MULTI} is allowed
 * @param migration limits of the log of DMA, of implementations that say them; whether a device can
 *     migrate is asked with {@code DEVICE_FEATURE}
 * @param reassembly whether the side puts a message together from the pieces in which the socket
 *     delivers it; not in the specification, which takes it for granted. Who does not say so may
 *     lose the thread when a body does not arrive at once
 */
public record Capabilities(
    OptionalInt maxMsgFds,
    OptionalLong maxDataXferSize,
    OptionalLong maxDmaMaps,
    OptionalLong pgsizes,
    Optional<TwinSocket> twinSocket,
    Optional<Boolean> writeMultiple,
    Optional<MigrationLimits> migration,
    Optional<Boolean> reassembly) {

  /** The limit of data for a side that said none. */
  public static final int DEFAULT_MAX_DATA_XFER_SIZE = 1 << 20;

  private static final int DEFAULT_MAX_MSG_FDS = 1;
  private static final int DEFAULT_MAX_DMA_MAPS = 65535;
  private static final int DEFAULT_PGSIZES = 4096;

  /** What a side that says nothing can do. */
  public static final Capabilities NONE =
      new Capabilities(
          OptionalInt.empty(),
          OptionalLong.empty(),
          OptionalLong.empty(),
          OptionalLong.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty());

  /**
   * A second socket for the server's commands.
   *
   * @param supported whether the side can use one
   * @param fdIndex in the reply: which of the files of the message is the client's end
   */
  public record TwinSocket(boolean supported, OptionalInt fdIndex) {}

  /**
   * Limits of the log of DMA; not in the specification.
   *
   * @param pgsize page size in bytes
   * @param maxBitmapSize the largest bitmap in bytes
   */
  public record MigrationLimits(OptionalLong pgsize, OptionalLong maxBitmapSize) {}

  /** Returns how many files the side takes with one message. */
  public int effectiveMaxMsgFds() {
    return maxMsgFds.orElse(DEFAULT_MAX_MSG_FDS);
  }

  /**
   * Returns how many bytes of data the side takes in one message; more than an int counts as one.
   */
  public int effectiveMaxDataXferSize() {
    return (int) Math.min(maxDataXferSize.orElse(DEFAULT_MAX_DATA_XFER_SIZE), Integer.MAX_VALUE);
  }

  /** Returns how many DMA mappings the side allows at a time. */
  public long effectiveMaxDmaMaps() {
    return maxDmaMaps.orElse(DEFAULT_MAX_DMA_MAPS);
  }

  /** Returns the page sizes of DMA mappings, one bit for each. */
  public long effectivePgsizes() {
    return pgsizes.orElse(DEFAULT_PGSIZES);
  }

  /** Whether {@code REGION_WRITE_MULTI} is allowed. */
  public boolean effectiveWriteMultiple() {
    return writeMultiple.orElse(false);
  }

  /** Whether the side can use a second socket. */
  public boolean effectiveTwinSocket() {
    return twinSocket.map(TwinSocket::supported).orElse(false);
  }
}
