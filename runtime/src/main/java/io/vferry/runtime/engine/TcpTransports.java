package io.vferry.runtime.engine;

import io.vferry.runtime.transport.Security;
import io.vferry.runtime.transport.SourceSession;
import io.vferry.runtime.transport.TransportConnector;
import io.vferry.runtime.transport.TransportListener;
import io.vferry.runtime.transport.TransportSettings;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.net.InetSocketAddress;
import java.util.concurrent.ThreadFactory;

/** Connections over TCP. */
public final class TcpTransports implements Transports {

  private final HostClock clock;
  private final ThreadFactory threads;

  /**
   * Creates the port.
   *
   * @param threads makes the threads of all sessions
   */
  public TcpTransports(HostClock clock, ThreadFactory threads) {
    this.clock = clock;
    this.threads = threads;
  }

  @Override
  public SourceSession connect(
      InetSocketAddress destination, TransportSettings settings, Security security)
      throws MigrationException, InterruptedException {
    return new TransportConnector(settings, security, clock, threads).connect(destination);
  }

  @Override
  public TransportListener listen(
      InetSocketAddress address, TransportSettings settings, Security security)
      throws MigrationException {
    return TransportListener.bind(address, settings, security, clock, threads);
  }
}
