package io.vferry.spi.driver;

import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;

/**
 * The state of a device on its way out. Opened by the arc that enters the first saving state, and
 * the same stream until the device leaves the saving states.
 *
 * <p>The bytes are opaque and how they are cut means nothing; their order does. One thread reads;
 * any thread may close.
 */
public interface SaveStream extends AutoCloseable {

  /** What a read gave. */
  enum Status {
    /** At least one byte. */
    DATA,
    /** No byte now, perhaps some later. Only in PRE_COPY and PRE_COPY_P2P. */
    NOTHING_NOW,
    /** No byte any more, now and for ever. Only in STOP_COPY. */
    END
  }

  /**
   * Reads into the remaining room of a buffer, up to all of it. May wait for the device in
   * STOP_COPY.
   *
   * @param into has room for at least one byte; direct memory is fastest; its position moves by the
   *     bytes read, which is by 0 unless the status is {@link Status#DATA}
   * @return what the read gave
   * @throws MigrationException {@code SESSION_CLOSED} if the session ended or the stream was closed
   *     while waiting, {@code IO_FAILED} otherwise
   */
  Status read(ByteBuffer into) throws MigrationException;

  /**
   * Ends the stream, also one that another thread waits for. The device's state does not change.
   */
  @Override
  void close();
}
