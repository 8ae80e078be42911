package io.vferry.runtime.transport;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.net.InetSocketAddress;
import java.util.concurrent.ThreadFactory;

/** Opens sessions from a source to a destination over TCP. Any thread. */
public final class TransportConnector {

  private final TransportSettings settings;
  private final Security security;
  private final HostClock clock;
  private final ThreadFactory threads;

  /**
   * Creates a connector.
   *
   * @param threads makes the threads of the sessions: two, and one for each data connection
   */
  public TransportConnector(
      TransportSettings settings, Security security, HostClock clock, ThreadFactory threads) {
    this.settings = settings;
    this.security = security;
    this.clock = clock;
    this.threads = threads;
  }

  /**
   * Connects all connections of a new session.
   *
   * @throws MigrationException {@code TRANSPORT_CONNECT_FAILED}, {@code TRANSPORT_HANDSHAKE_FAILED},
   *     {@code TRANSPORT_UNTRUSTED} or {@code TRANSPORT_BAD_CREDENTIALS}
   */
  public SourceSession connect(InetSocketAddress destination)
      throws MigrationException, InterruptedException {
    throw new UnsupportedOperationException("lands with the next commits");
  }
}
