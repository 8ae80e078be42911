package io.vferry.host.linux.user.client;

import io.vferry.host.linux.user.socket.ConnectionException;
import io.vferry.host.linux.user.socket.MessageConnection;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.MessageHeader;

/** Does what the server wants, and answers it. */
@FunctionalInterface
interface OrderTaker {

  /**
   * Does it.
   *
   * @param answers where the answer goes
   */
  void take(
      MessageHeader header,
      Command command,
      MessageConnection.Incoming incoming,
      MessageConnection answers)
      throws ConnectionException;
}
