package io.vferry.runtime.transport;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;

/**
 * The header before each message on the control connection, 20 bytes, big endian.
 *
 * <pre>
 *  0 u32 magic          8 u32 length
 *  4 u8  version       12 u32 CRC-32C of the body
 *  5 u8  kind          16 u32 CRC-32C of bytes 0 to 15
 *  6 u16 reserved, 0
 * </pre>
 *
 * @param kind what it is
 * @param lengthBytes of the body that follows
 * @param crc32c of the body
 */
record ControlFrame(Kind kind, int lengthBytes, int crc32c) {

  static final int HEADER_BYTES = 20;

  private static final int MAGIC = 0x56464343;
  private static final byte VERSION = 1;
  private static final int CHECKED_BYTES = 16;

  /** What a control frame is; the ordinal is on the wire. */
  enum Kind {
    /** A message of the users of this channel. */
    MESSAGE(0, ControlChannel.MAX_MESSAGE_BYTES),
    /** Nothing, but alive. */
    HEARTBEAT(0, 0),
    /** The receiver of chunks has room again: u64 bytes. */
    CREDIT(Long.BYTES, Long.BYTES),
    /** Nothing more comes, all is well. */
    GOODBYE(0, 0),
    /** The session has failed: why, in UTF-8. */
    ABORT(0, 2048);

    private final int leastBytes;
    private final int mostBytes;

    Kind(int leastBytes, int mostBytes) {
      this.leastBytes = leastBytes;
      this.mostBytes = mostBytes;
    }

    int mostBytes() {
      return mostBytes;
    }
  }

  /** Writes header and body into a buffer of their own. */
  static ByteBuffer encode(Kind kind, byte[] body) {
    ByteBuffer into = ByteBuffer.allocateDirect(HEADER_BYTES + body.length);
    into.putInt(MAGIC)
        .put(VERSION)
        .put((byte) kind.ordinal())
        .putShort((short) 0)
        .putInt(body.length)
        .putInt(Frame.crc32c(ByteBuffer.wrap(body)));
    into.putInt(Frame.crc32c(into.duplicate().flip()));
    return into.put(body).flip();
  }

  /**
   * Reads a header.
   *
   * @throws MigrationException {@code TRANSPORT_VIOLATION} or {@code TRANSPORT_CORRUPT}
   */
  static ControlFrame read(ByteBuffer header, String peer) throws MigrationException {
    if (header.getInt(0) != MAGIC) {
      throw violation(peer, "bytes 0x%08x where a message begins".formatted(header.getInt(0)));
    }
    if (Frame.crc32c(header.duplicate().position(0).limit(CHECKED_BYTES))
        != header.getInt(CHECKED_BYTES)) {
      throw new MigrationException(
          RuntimeError.TRANSPORT_CORRUPT,
          "the checksum of a message header from " + peer + " is wrong");
    }
    int kind = header.get(5) & 0xff;
    if (header.get(4) != VERSION || header.getShort(6) != 0 || kind >= Kind.values().length) {
      throw violation(peer, "a message of version %d and kind %d".formatted(header.get(4), kind));
    }
    ControlFrame frame = new ControlFrame(Kind.values()[kind], header.getInt(8), header.getInt(12));
    if (frame.lengthBytes < frame.kind.leastBytes || frame.lengthBytes > frame.kind.mostBytes) {
      throw violation(
          peer, "a message of kind %s and %d bytes".formatted(frame.kind, frame.lengthBytes));
    }
    return frame;
  }

  private static MigrationException violation(String peer, String what) {
    return new MigrationException(
        RuntimeError.TRANSPORT_VIOLATION, peer + " sent " + what + ", which is not known here");
  }
}
