package io.vferry.runtime.engine;

import io.vferry.runtime.transport.Security;
import io.vferry.runtime.transport.SourceSession;
import io.vferry.runtime.transport.TransportListener;
import io.vferry.runtime.transport.TransportSettings;
import io.vferry.spi.error.MigrationException;
import java.net.InetSocketAddress;

/** Makes the connections of migrations. A port: an integrator may bring another network. */
public interface Transports {

  /**
   * Connects to a destination that listens.
   *
   * @throws MigrationException {@code TRANSPORT_*}
   */
  SourceSession connect(
      InetSocketAddress destination, TransportSettings settings, Security security)
      throws MigrationException, InterruptedException;

  /**
   * Begins to listen for sources.
   *
   * @param address port 0 for any free one
   * @throws MigrationException {@code TRANSPORT_*}
   */
  TransportListener listen(InetSocketAddress address, TransportSettings settings, Security security)
      throws MigrationException;
}
