package io.vferry.host.linux.user.wire;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * {@link Command#VERSION}, as command and as reply.
 *
 * @param major 0 to 0xffff
 * @param minor 0 to 0xffff
 * @param capabilities what the sender can do
 */
public record VersionMessage(int major, int minor, Capabilities capabilities) implements Payload {

  private static final int MAJOR = 0;
  private static final int MINOR = 2;
  private static final int JSON = 4;

  /**
   * Reads the payload. The text may be missing, but if it is there it ends with a zero byte.
   *
   * @throws MalformedMessageException if it is not as specified
   */
  public static VersionMessage decode(ByteBuffer payload) throws MalformedMessageException {
    PayloadReader in = PayloadReader.atLeast(Command.VERSION, payload, JSON);
    byte[] text = new byte[in.sizeBytes() - JSON];
    in.slice(JSON, text.length).get(text);
    if (text.length > 0) {
      if (text[text.length - 1] != 0) {
        throw in.malformed("the JSON has no zero byte at its end");
      }
      int end = 0;
      while (text[end] != 0) {
        end++;
      }
      text = Arrays.copyOf(text, end);
    }
    return new VersionMessage(in.u16(MAJOR), in.u16(MINOR), CapabilitiesJson.read(text));
  }

  @Override
  public int sizeBytes() {
    return JSON + CapabilitiesJson.write(capabilities).length + 1;
  }

  @Override
  public void put(ByteBuffer out) {
    out.putShort((short) major)
        .putShort((short) minor)
        .put(CapabilitiesJson.write(capabilities))
        .put((byte) 0);
  }
}
