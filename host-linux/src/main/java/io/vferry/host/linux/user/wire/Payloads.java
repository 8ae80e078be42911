package io.vferry.host.linux.user.wire;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Payloads as bytes of their own. */
final class Payloads {

  private Payloads() {}

  static ByteBuffer encode(Payload payload) {
    ByteBuffer bytes = ByteBuffer.allocate(payload.sizeBytes()).order(ByteOrder.nativeOrder());
    payload.put(bytes);
    return bytes.flip();
  }
}
