package io.vferry.host.linux.user.wire;

import io.vferry.host.linux.VfioUapi.DeviceInfo;
import java.nio.ByteBuffer;

/**
 * {@link Command#DEVICE_GET_INFO}; the command has the same form with zeros.
 *
 * @param flags {@link #RESET} and so on
 * @param regions number of regions, 0 to {@link #MOST}
 * @param irqs number of kinds of interrupts, 0 to {@link #MOST}
 */
public record DeviceInfoMessage(int flags, int regions, int irqs) implements Payload {

  /** The device can be reset: {@code VFIO_DEVICE_FLAGS_RESET}. */
  public static final int RESET = 1;

  /** No device has more regions or kinds of interrupts than this. */
  public static final int MOST = 4096;

  /** The protocol has the structure as it was before capabilities were added to it. */
  private static final int SIZEOF = 16;

  /**
   * Checks the payload of the command.
   *
   * @throws MalformedMessageException if the client does not take the reply
   */
  public static void checkCommand(ByteBuffer payload) throws MalformedMessageException {
    PayloadReader.atLeast(Command.DEVICE_GET_INFO, payload, SIZEOF).argsz(SIZEOF);
  }

  /**
   * Reads the payload of the reply.
   *
   * @throws MalformedMessageException if it is not as specified
   */
  public static DeviceInfoMessage decodeReply(ByteBuffer payload) throws MalformedMessageException {
    PayloadReader in = PayloadReader.atLeast(Command.DEVICE_GET_INFO, payload, SIZEOF);
    in.argsz(SIZEOF);
    return new DeviceInfoMessage(
        in.i32(DeviceInfo.FLAGS),
        in.upTo(DeviceInfo.NUM_REGIONS, MOST, "the number of regions"),
        in.upTo(DeviceInfo.NUM_IRQS, MOST, "the number of interrupts"));
  }

  @Override
  public int sizeBytes() {
    return SIZEOF;
  }

  @Override
  public void put(ByteBuffer out) {
    int at = out.position();
    out.putInt(at + DeviceInfo.ARGSZ, SIZEOF)
        .putInt(at + DeviceInfo.FLAGS, flags)
        .putInt(at + DeviceInfo.NUM_REGIONS, regions)
        .putInt(at + DeviceInfo.NUM_IRQS, irqs)
        .position(at + SIZEOF);
  }
}
