package io.vferry.host.linux.user.client;

import io.vferry.host.linux.user.socket.ConnectionException;
import io.vferry.host.linux.user.socket.MessageConnection;
import io.vferry.host.linux.user.wire.MalformedMessageException;

/**
 * Reads the payload of a reply, wherever it wants to have it.
 *
 * @param <T> what it makes of it
 */
@FunctionalInterface
interface ReplyReader<T> {

  /** Takes nothing. */
  ReplyReader<Boolean> NOTHING = incoming -> true;

  /**
   * Reads it. Files that are not taken are closed.
   *
   * @throws MalformedMessageException if it is not as specified, which ends the conversation
   */
  T read(MessageConnection.Incoming incoming) throws MalformedMessageException, ConnectionException;
}
