package io.vferry.spi.driver;

import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;

/**
 * The state of a device on its way in; opened by the arc into RESUMING. It takes the bytes of
 * exactly one save stream, cut in any way. One thread writes; any thread may close.
 */
public interface LoadStream extends AutoCloseable {

  /**
   * Takes all remaining bytes. May wait for the device.
   *
   * @param from not changed after the call returns
   * @throws MigrationException {@code DATA_CORRUPT}, {@code DATA_INCOMPATIBLE} or {@code
   *     DATA_TOO_LONG} if the data cannot be taken; from then on each write fails and leaving
   *     RESUMING fails. {@code SESSION_CLOSED}, {@code IO_FAILED}
   */
  void write(ByteBuffer from) throws MigrationException;

  /** Ends the stream. The device stays in RESUMING, and can be proved whole if all was written. */
  @Override
  void close();
}
