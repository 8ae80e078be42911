package io.vferry.vendor.hisiacc;

import io.vferry.spi.driver.Compatibility.Difference;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A stream on its way in. As soon as the first 40 bytes are there, however they were cut, they are
 * compared with the device; nothing is written to the device before all is there.
 */
final class HisiAccLoadStream implements LoadStream {

  private final String name;
  private final HisiAccSession session;
  private final HisiAccMatch here;
  private final ByteBuffer image = ByteBuffer.allocate(HisiAccStreamFormat.STATE_BYTES);
  private @Nullable MigrationException refusal;
  private boolean ended;
  private boolean closed;

  /**
   * Begins to take a stream.
   *
   * @param here what the device says of itself now
   * @param session looked at before each write
   */
  HisiAccLoadStream(String name, HisiAccMatch here, HisiAccSession session) {
    this.name = name;
    this.session = session;
    this.here = here;
  }

  @Override
  public void write(ByteBuffer from) throws MigrationException {
    if (!isClosed()) {
      session.look();
    }
    writeOn(from);
  }

  private synchronized boolean isClosed() {
    return closed;
  }

  private synchronized void writeOn(ByteBuffer from) throws MigrationException {
    if (closed) {
      throw new MigrationException(
          DeviceError.SESSION_CLOSED, "the load stream of " + name + " has ended");
    }
    if (refusal != null) {
      throw refusal;
    }
    if (from.remaining() > image.remaining()) {
      throw refuse(
          new MigrationException(
              DeviceError.DATA_TOO_LONG,
              "%d bytes came for %s, whose state has %d"
                  .formatted(
                      (long) image.position() + from.remaining(),
                      name,
                      HisiAccStreamFormat.STATE_BYTES)));
    }
    boolean before = image.position() >= HisiAccStreamFormat.MATCH_BYTES;
    image.put(from);
    if (!before && image.position() >= HisiAccStreamFormat.MATCH_BYTES) {
      requireFit(here);
    }
  }

  private MigrationException refuse(MigrationException why) {
    refusal = why;
    return why;
  }

  private void requireFit(HisiAccMatch device) throws MigrationException {
    List<Difference> differences = HisiAccMatch.read(image).differences(device);
    if (!differences.isEmpty()) {
      throw refuse(
          new MigrationException(
              DeviceError.DATA_INCOMPATIBLE,
              "the state does not fit %s: %s"
                  .formatted(
                      name,
                      differences.stream()
                          .map(
                              difference ->
                                  "%s is %s on the source, %s here"
                                      .formatted(
                                          difference.key(),
                                          difference.source(),
                                          difference.destination()))
                          .collect(Collectors.joining("; ")))));
    }
  }

  /**
   * Proves that the stream is whole, without asking the device.
   *
   * @throws MigrationException as {@link #write} if it was refused, {@code DATA_CORRUPT} if it is
   *     not whole
   */
  synchronized void proveWhole() throws MigrationException {
    if (ended) {
      throw new MigrationException(
          DeviceError.SESSION_CLOSED, "the load session of " + name + " was ended by a reset");
    }
    if (refusal != null) {
      throw refusal;
    }
    int length = image.position();
    if (length != HisiAccStreamFormat.MATCH_BYTES && length != HisiAccStreamFormat.STATE_BYTES) {
      throw new MigrationException(
          DeviceError.DATA_CORRUPT,
          "%d bytes came for %s; a state has %d bytes, or %d if the guest's driver is not loaded"
              .formatted(
                  length, name, HisiAccStreamFormat.STATE_BYTES, HisiAccStreamFormat.MATCH_BYTES));
    }
  }

  /**
   * Gives a whole stream that still fits.
   *
   * @param device what the device says of itself now
   * @return 40 or 176 bytes
   */
  synchronized ByteBuffer whole(HisiAccMatch device) throws MigrationException {
    requireFit(device);
    return image.duplicate().flip();
  }

  /** Ends the session: what was written counts no more. */
  synchronized void end() {
    ended = true;
    closed = true;
  }

  @Override
  public synchronized void close() {
    closed = true;
  }
}
