package io.vferry.host.linux.user.wire;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;

/** Bytes as a person writes them. */
final class Hex {

  private Hex() {}

  /** Returns the bytes of text such as {@code "01 02"}; white space does not matter. */
  static ByteBuffer bytes(String... text) {
    String digits = String.join("", text).replaceAll("\\s", "");
    return ByteBuffer.wrap(HexFormat.of().parseHex(digits)).order(ByteOrder.nativeOrder());
  }

  /** Returns what a payload writes. */
  static ByteBuffer of(Payload payload) {
    ByteBuffer out = ByteBuffer.allocate(payload.sizeBytes()).order(ByteOrder.nativeOrder());
    payload.put(out);
    return out.flip();
  }
}
