package io.vferry.host.linux.user.server;

import io.vferry.spi.state.DeviceState;

/**
 * Is told what happens to a served device. Called on the server's threads, one call at a time for
 * each device; must not block for long.
 */
public interface ServerListener {

  /** Is told nothing. */
  ServerListener SILENT = new ServerListener() {};

  /**
   * A client has connected and said who it is.
   *
   * @param client what is known of it
   */
  default void connected(ClientInfo client) {}

  /** The client moved the device from one state to another. */
  default void moved(DeviceState from, DeviceState to) {}

  /**
   * A command was not carried out.
   *
   * @param command its name
   * @param errno what the client was told
   * @param reason one sentence without a full stop
   */
  default void refused(String command, int errno, String reason) {}

  /**
   * The client is gone, the device is as it was at first.
   *
   * @param reason one sentence without a full stop: why the conversation ended
   * @param counters what went on
   */
  default void disconnected(String reason, SessionCounters counters) {}

  /**
   * The device could not be cleaned up after its client; it is served all the same.
   *
   * @param reason one sentence without a full stop
   */
  default void unclean(String reason) {}
}
