package io.vferry.runtime.transport;

import java.util.List;

/**
 * What a session moved so far: written on the source, received on the destination.
 *
 * @param connections one entry for each data connection, in order
 */
public record TransportCounters(List<Connection> connections) {

  public TransportCounters {
    connections = List.copyOf(connections);
  }

  /**
   * One data connection.
   *
   * @param chunks moved
   * @param payloadBytes moved, without headers
   */
  public record Connection(long chunks, long payloadBytes) {}

  /** Returns the payload bytes of all connections. */
  public long payloadBytes() {
    return connections.stream().mapToLong(Connection::payloadBytes).sum();
  }
}
