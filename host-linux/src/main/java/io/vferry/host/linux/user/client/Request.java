package io.vferry.host.linux.user.client;

import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.MessageHeader;
import io.vferry.host.linux.user.wire.Payload;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * A command to be said.
 *
 * @param payload what follows the header; of a command with data only the fields before them
 * @param data what follows the payload, not copied; empty if nothing does
 * @param files what goes along; stays the caller's
 */
record Request(Command command, Payload payload, ByteBuffer data, List<Fd> files) {

  static Request of(Command command, Payload payload) {
    return new Request(command, payload, ByteBuffer.allocate(0), List.of());
  }

  int payloadBytes() {
    return payload.sizeBytes() + data.remaining();
  }

  /** Returns header and payload as bytes; the data follow them. */
  ByteBuffer head(MessageHeader header) {
    ByteBuffer head =
        ByteBuffer.allocate(MessageHeader.BYTES + payload.sizeBytes())
            .order(ByteOrder.nativeOrder());
    header.put(head);
    payload.put(head);
    return head.flip();
  }
}
