package io.vferry.runtime.transport;

import io.vferry.spi.error.MigrationException;
import java.util.Optional;

/** Carries messages both ways, each whole and in order. */
public interface ControlChannel {

  /** The longest message in bytes. */
  int MAX_MESSAGE_BYTES = 1 << 20;

  /**
   * Queues a message. Any thread; waits only while too many are queued.
   *
   * @param message 0 to {@link #MAX_MESSAGE_BYTES} bytes, not changed from now on
   * @throws MigrationException {@code TRANSPORT_*} if the session has failed or is closed
   * @throws IllegalArgumentException if the message is too long
   */
  void send(byte[] message) throws MigrationException, InterruptedException;

  /**
   * Waits for the next message. One thread at a time.
   *
   * @return empty when the other side has closed the session in good order and everything it sent
   *     was received
   * @throws MigrationException {@code TRANSPORT_*} if the session has failed, whichever of its
   *     connections it was, or was closed on this side
   */
  Optional<byte[]> receive() throws MigrationException, InterruptedException;
}
