package io.vferry.host.linux.user.wire;

import io.vferry.host.linux.VfioUapi.PrecopyInfo;
import java.nio.ByteBuffer;

/**
 * {@link Command#GET_PRECOPY_INFO}; the command has the same form with zeros.
 *
 * @param flags {@code VFIO_PRECOPY_INFO_*}
 * @param initialBytes of the first image not yet read, unsigned
 * @param dirtyBytes that changed since they were read, unsigned
 */
public record PrecopyInfoMessage(int flags, long initialBytes, long dirtyBytes) implements Payload {

  /** Returns what the client asks. */
  public static PrecopyInfoMessage question() {
    return new PrecopyInfoMessage(0, 0, 0);
  }

  /**
   * Reads the payload of command or reply.
   *
   * @throws MalformedMessageException if it is not as specified
   */
  public static PrecopyInfoMessage decode(ByteBuffer payload) throws MalformedMessageException {
    PayloadReader in = PayloadReader.atLeast(Command.GET_PRECOPY_INFO, payload, PrecopyInfo.SIZEOF);
    in.argsz(PrecopyInfo.SIZEOF);
    return new PrecopyInfoMessage(
        in.i32(PrecopyInfo.FLAGS),
        in.i64(PrecopyInfo.INITIAL_BYTES),
        in.i64(PrecopyInfo.DIRTY_BYTES));
  }

  @Override
  public int sizeBytes() {
    return PrecopyInfo.SIZEOF;
  }

  @Override
  public void put(ByteBuffer out) {
    int at = out.position();
    out.putInt(at + PrecopyInfo.ARGSZ, PrecopyInfo.SIZEOF)
        .putInt(at + PrecopyInfo.FLAGS, flags)
        .putLong(at + PrecopyInfo.INITIAL_BYTES, initialBytes)
        .putLong(at + PrecopyInfo.DIRTY_BYTES, dirtyBytes)
        .position(at + PrecopyInfo.SIZEOF);
  }
}
