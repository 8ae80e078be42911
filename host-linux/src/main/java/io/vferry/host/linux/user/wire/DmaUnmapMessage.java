package io.vferry.host.linux.user.wire;

import java.nio.ByteBuffer;

/**
 * {@link Command#DMA_UNMAP}. The reply repeats the payload.
 *
 * @param argsz the largest reply the client takes, in bytes
 * @param flags 0, or {@link #GET_DIRTY_BITMAP} or {@link #ALL}, which only libvfio-user knows
 * @param address first I/O virtual address, unsigned
 * @param size bytes, unsigned
 */
public record DmaUnmapMessage(int argsz, int flags, long address, long size) implements Payload {

  /** Size of the payload. */
  public static final int SIZEOF = 24;

  /** Wants to know which pages the device wrote; not in the specification. */
  public static final int GET_DIRTY_BITMAP = 1;

  /** Unmaps everything; address and size are 0. Not in the specification. */
  public static final int ALL = 2;

  private static final int FLAGS = 4;
  private static final int ADDRESS = 8;
  private static final int SIZE = 16;

  /**
   * Reads the payload of command or reply. What follows it, for example a question for a bitmap, is
   * not read.
   *
   * @throws MalformedMessageException if it is not as specified
   */
  public static DmaUnmapMessage decode(ByteBuffer payload) throws MalformedMessageException {
    PayloadReader in = PayloadReader.atLeast(Command.DMA_UNMAP, payload, SIZEOF);
    return new DmaUnmapMessage(in.argsz(SIZEOF), in.i32(FLAGS), in.i64(ADDRESS), in.i64(SIZE));
  }

  @Override
  public int sizeBytes() {
    return SIZEOF;
  }

  @Override
  public void put(ByteBuffer out) {
    out.putInt(argsz).putInt(flags).putLong(address).putLong(size);
  }
}
