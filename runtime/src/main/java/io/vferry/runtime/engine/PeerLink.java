package io.vferry.runtime.engine;

import io.vferry.runtime.migration.Message;
import io.vferry.spi.error.MigrationException;

/** The way to say something to the peer. */
@FunctionalInterface
public interface PeerLink {

  /**
   * Says something; messages arrive in order.
   *
   * @throws MigrationException {@code TRANSPORT_*} if the connection is gone
   */
  void send(Message message) throws MigrationException, InterruptedException;
}
