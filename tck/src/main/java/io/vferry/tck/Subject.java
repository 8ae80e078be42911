package io.vferry.tck;

import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.state.Arc;
import java.util.List;
import java.util.Optional;

/** What the kit tests: a driver, and the devices on which it is tried. Used by several threads. */
public interface Subject {

  /** Returns the driver. */
  MigrationDriver driver();

  /**
   * Opens the device, RUNNING and used by nobody.
   *
   * @param context the name and the clock to use
   * @return closed by the kit
   * @throws MigrationException if it cannot be opened
   */
  HostDevice open(OpenContext context) throws MigrationException;

  /**
   * Whether each call of {@link #open} makes a new device in software, which lives in the time of
   * the given clock. If not, there is one piece of hardware, which the kit opens once at a time.
   */
  default boolean model() {
    return true;
  }

  /**
   * Whether the stream proves by itself that no bit of it changed. A format without checksums
   * leaves this to the transport; the kit then does not flip bits and does not swap parts.
   */
  default boolean checksummed() {
    return true;
  }

  /**
   * Whether the device itself tells in which state it is. If only the driver that moved it knows,
   * another one that is attached meanwhile cannot find out, and the kit does not ask it.
   */
  default boolean tellsState() {
    return true;
  }

  /**
   * Opens a device that the same driver serves and whose state the device of {@link #open} must
   * refuse: another kind, another size.
   *
   * @return empty if there is none to try
   */
  default Optional<HostDevice> openForeign(OpenContext context) throws MigrationException {
    return Optional.empty();
  }

  /**
   * Opens a device with newer firmware or a newer format, whose state the device of {@link #open}
   * must refuse.
   *
   * @return empty if there is none to try
   */
  default Optional<HostDevice> openNewer(OpenContext context) throws MigrationException {
    return Optional.empty();
  }

  /**
   * Returns whole streams that earlier versions of the driver, its format or its firmware wrote,
   * and that the device of {@link #open} must still take.
   */
  default List<byte[]> earlierStreams() {
    return List.of();
  }

  /**
   * Opens a device whose hardware refuses an arc once.
   *
   * @return empty if there is none for this arc
   */
  default Optional<HostDevice> openRefusing(Arc arc, OpenContext context)
      throws MigrationException {
    return Optional.empty();
  }
}
