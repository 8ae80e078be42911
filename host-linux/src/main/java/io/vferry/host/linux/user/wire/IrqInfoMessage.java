package io.vferry.host.linux.user.wire;

import io.vferry.host.linux.VfioUapi.IrqInfo;
import java.nio.ByteBuffer;

/**
 * {@link Command#DEVICE_GET_IRQ_INFO}; the command has only the index, and zeros.
 *
 * @param flags {@code VFIO_IRQ_INFO_*}
 * @param index which kind of interrupt, unsigned
 * @param count number of vectors, unsigned
 */
public record IrqInfoMessage(int flags, int index, int count) implements Payload {

  /** Returns what the client asks. */
  public static IrqInfoMessage question(int index) {
    return new IrqInfoMessage(0, index, 0);
  }

  /**
   * Reads the payload of command or reply.
   *
   * @throws MalformedMessageException if it is not as specified
   */
  public static IrqInfoMessage decode(ByteBuffer payload) throws MalformedMessageException {
    PayloadReader in = PayloadReader.atLeast(Command.DEVICE_GET_IRQ_INFO, payload, IrqInfo.SIZEOF);
    in.argsz(IrqInfo.SIZEOF);
    return new IrqInfoMessage(in.i32(IrqInfo.FLAGS), in.i32(IrqInfo.INDEX), in.i32(IrqInfo.COUNT));
  }

  @Override
  public int sizeBytes() {
    return IrqInfo.SIZEOF;
  }

  @Override
  public void put(ByteBuffer out) {
    int at = out.position();
    out.putInt(at + IrqInfo.ARGSZ, IrqInfo.SIZEOF)
        .putInt(at + IrqInfo.FLAGS, flags)
        .putInt(at + IrqInfo.INDEX, index)
        .putInt(at + IrqInfo.COUNT, count)
        .position(at + IrqInfo.SIZEOF);
  }
}
