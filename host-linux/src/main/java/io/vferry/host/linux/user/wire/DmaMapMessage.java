package io.vferry.host.linux.user.wire;

import java.nio.ByteBuffer;

/**
 * {@link Command#DMA_MAP}. Its reply has no payload.
 *
 * @param flags {@link #READABLE} and so on
 * @param offset where in the file that comes with the message the memory begins
 * @param address first I/O virtual address, unsigned
 * @param size bytes, unsigned
 */
public record DmaMapMessage(int flags, long offset, long address, long size) implements Payload {

  /** The device may read the memory. */
  public static final int READABLE = 1;

  /** The device may write the memory. */
  public static final int WRITEABLE = 2;

  /** The server reaches the memory by mapping the file; since the later revision. */
  public static final int MMAP = 4;

  /** The server reaches the memory by reading and writing the file; since the later revision. */
  public static final int FILE_IO = 8;

  /** All flags this version knows. */
  public static final int KNOWN_FLAGS = READABLE | WRITEABLE | MMAP | FILE_IO;

  private static final int SIZEOF = 32;
  private static final int FLAGS = 4;
  private static final int OFFSET = 8;
  private static final int ADDRESS = 16;
  private static final int SIZE = 24;

  /**
   * Reads the payload of the command.
   *
   * @throws MalformedMessageException if it is not as specified
   */
  public static DmaMapMessage decode(ByteBuffer payload) throws MalformedMessageException {
    PayloadReader in = PayloadReader.atLeast(Command.DMA_MAP, payload, SIZEOF);
    in.argsz(SIZEOF);
    return new DmaMapMessage(in.i32(FLAGS), in.i64(OFFSET), in.i64(ADDRESS), in.i64(SIZE));
  }

  @Override
  public int sizeBytes() {
    return SIZEOF;
  }

  @Override
  public void put(ByteBuffer out) {
    out.putInt(SIZEOF).putInt(flags).putLong(offset).putLong(address).putLong(size);
  }
}
