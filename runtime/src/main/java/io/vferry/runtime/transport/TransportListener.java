package io.vferry.runtime.transport;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.net.InetSocketAddress;
import java.util.concurrent.ThreadFactory;

/**
 * Waits on a destination for sessions over TCP. Strangers, wrong versions, slow or surplus
 * connections are dropped and do not disturb the session that comes about.
 */
public final class TransportListener implements AutoCloseable {

  private TransportListener() {}

  /**
   * Binds an address and begins to listen.
   *
   * @param address port 0 for any free one
   * @param threads makes the threads of the sessions: two, and one for each data connection; and
   *     short-lived ones for connections that shake hands
   * @throws MigrationException {@code TRANSPORT_BIND_FAILED} or {@code TRANSPORT_BAD_CREDENTIALS}
   */
  public static TransportListener bind(
      InetSocketAddress address,
      TransportSettings settings,
      Security security,
      HostClock clock,
      ThreadFactory threads)
      throws MigrationException {
    throw new UnsupportedOperationException("lands with the next commits");
  }

  /** Returns the address that is really bound. */
  public InetSocketAddress address() {
    throw new UnsupportedOperationException("lands with the next commits");
  }

  /**
   * Waits for one whole session: its control connection and all its data connections. One thread at
   * a time.
   *
   * @param timeoutMillis how long to wait; 0 for ever
   * @throws MigrationException {@code DEADLINE_MISSED} if none came, with what was dropped meanwhile;
   *     {@code TRANSPORT_CLOSED} if the listener was closed
   */
  public DestinationSession accept(long timeoutMillis)
      throws MigrationException, InterruptedException {
    throw new UnsupportedOperationException("lands with the next commits");
  }

  /** Stops listening; sessions that were accepted go on. Closing again does nothing. */
  @Override
  public void close() {
    throw new UnsupportedOperationException("lands with the next commits");
  }
}
