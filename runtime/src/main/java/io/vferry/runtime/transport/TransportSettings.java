package io.vferry.runtime.transport;

/**
 * Bounds of a session.
 *
 * @param connections data connections beside the control connection, 1 to 64; the source decides,
 *     the destination's value is the most it admits
 * @param receiveWindowBytes the most memory that the destination holds for chunks not yet released,
 *     4 MiB to 64 GiB; the source's value has no meaning
 * @param maxBandwidthBytesPerSecond the most payload that the source sends in a second; 0 for no
 *     limit; the destination's value has no meaning
 * @param setupDeadlineMillis how long connecting and the handshake of all connections may take
 * @param heartbeatMillis a side that has nothing to say says that it is alive after this time
 * @param idleDeadlineMillis a side that hears nothing, or cannot get rid of a byte, for this long
 *     takes the other one for dead; more than twice the heartbeat
 * @param closeDeadlineMillis how long a close may take to write what is queued
 */
public record TransportSettings(
    int connections,
    long receiveWindowBytes,
    long maxBandwidthBytesPerSecond,
    long setupDeadlineMillis,
    long heartbeatMillis,
    long idleDeadlineMillis,
    long closeDeadlineMillis) {

  /** The most data connections of a session. */
  public static final int MAX_CONNECTIONS = 64;

  private static final long DAY_MILLIS = 86_400_000;

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException naming what is out of range
   */
  public TransportSettings {
    require("connections", connections, 1, MAX_CONNECTIONS);
    require("receive window", receiveWindowBytes, 4 << 20, 64L << 30);
    require("max bandwidth", maxBandwidthBytesPerSecond, 0, Long.MAX_VALUE);
    require("setup deadline", setupDeadlineMillis, 1, DAY_MILLIS);
    require("heartbeat", heartbeatMillis, 1, DAY_MILLIS);
    require("idle deadline", idleDeadlineMillis, 2 * heartbeatMillis + 1, DAY_MILLIS);
    require("close deadline", closeDeadlineMillis, 1, DAY_MILLIS);
  }

  private static void require(String name, long value, long least, long most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          name + " is " + value + ", but must be from " + least + " to " + most);
    }
  }

  /**
   * Returns the defaults: 2 connections, 64 MiB, no bandwidth limit, 30 s for the setup, a
   * heartbeat each second, 10 s until the other side is taken for dead, 5 s for a close.
   */
  public static TransportSettings defaults() {
    return new TransportSettings(2, 64 << 20, 0, 30_000, 1_000, 10_000, 5_000);
  }

  /** Returns a copy with another number of connections. */
  public TransportSettings withConnections(int number) {
    return new TransportSettings(
        number,
        receiveWindowBytes,
        maxBandwidthBytesPerSecond,
        setupDeadlineMillis,
        heartbeatMillis,
        idleDeadlineMillis,
        closeDeadlineMillis);
  }

  /** Returns a copy with another receive window. */
  public TransportSettings withReceiveWindowBytes(long bytes) {
    return new TransportSettings(
        connections,
        bytes,
        maxBandwidthBytesPerSecond,
        setupDeadlineMillis,
        heartbeatMillis,
        idleDeadlineMillis,
        closeDeadlineMillis);
  }

  /** Returns a copy with another bandwidth limit. */
  public TransportSettings withMaxBandwidthBytesPerSecond(long bytesPerSecond) {
    return new TransportSettings(
        connections,
        receiveWindowBytes,
        bytesPerSecond,
        setupDeadlineMillis,
        heartbeatMillis,
        idleDeadlineMillis,
        closeDeadlineMillis);
  }

  /** Returns a copy with other deadlines. */
  public TransportSettings withDeadlines(
      long setupMillis, long heartbeatMillis, long idleMillis, long closeMillis) {
    return new TransportSettings(
        connections,
        receiveWindowBytes,
        maxBandwidthBytesPerSecond,
        setupMillis,
        heartbeatMillis,
        idleMillis,
        closeMillis);
  }
}
