package io.vferry.runtime.transport;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/**
 * The first thing that the source says on each connection, 36 bytes, big endian.
 *
 * <pre>
 *  0 u64 magic           16 u128 session
 *  8 u16 version         32 u32  CRC-32C of bytes 0 to 31
 * 10 u16 index
 * 12 u16 count
 * 14 u16 reserved, 0
 * </pre>
 *
 * @param version of the protocol
 * @param index of the connection: 0 for control, 1 to {@code count} for data
 * @param count data connections of the session
 * @param session random
 */
record Hello(int version, int index, int count, UUID session) {

  static final int BYTES = 36;
  static final int VERSION = 1;

  /** Bytes that suffice to tell TLS. */
  static final int TELLTALE_BYTES = 2;

  /** Ends with a carriage return and a line feed, so that whatever alters line ends is found. */
  private static final long MAGIC = 0x7646_6572_7279_0D0AL;

  private static final int CHECKED_BYTES = 32;

  /** Says why something is no hello. */
  static final class Unreadable extends Exception {
    private static final long serialVersionUID = 1;

    Unreadable(String message) {
      super(message);
    }
  }

  ByteBuffer encode() {
    ByteBuffer into =
        ByteBuffer.allocate(BYTES)
            .putLong(MAGIC)
            .putShort((short) version)
            .putShort((short) index)
            .putShort((short) count)
            .putShort((short) 0)
            .putLong(session.getMostSignificantBits())
            .putLong(session.getLeastSignificantBits());
    return into.putInt(Frame.crc32c(into.duplicate().flip())).flip();
  }

  /** Reads a hello; what it says is not checked but its form is. */
  static Hello read(ByteBuffer from) throws Unreadable {
    checkMagic(from.getLong(0), MAGIC, "a source of vferry");
    if (Frame.crc32c(from.duplicate().position(0).limit(CHECKED_BYTES))
        != from.getInt(CHECKED_BYTES)) {
      throw new Unreadable("the checksum of its greeting is wrong");
    }
    return new Hello(
        from.getShort(8) & 0xffff,
        from.getShort(10) & 0xffff,
        from.getShort(12) & 0xffff,
        new UUID(from.getLong(16), from.getLong(24)));
  }

  private static void checkMagic(long found, long expected, String who) throws Unreadable {
    if (found != expected) {
      checkNotTls(ByteBuffer.allocate(Long.BYTES).putLong(found));
      throw new Unreadable("it is not " + who + " (it began with 0x%016x)".formatted(found));
    }
  }

  /**
   * Looks at the first bytes of a connection; RFC 8446, section 5.1: 21 is an alert, 22 a handshake
   * record, 3 the major version of all of TLS.
   */
  static void checkNotTls(ByteBuffer start) throws Unreadable {
    if ((start.get(0) == 21 || start.get(0) == 22) && start.get(1) == 3) {
      throw new Unreadable("it speaks TLS, but this side was told not to");
    }
  }

  /**
   * What the destination answers, 28 bytes and a text, big endian.
   *
   * <pre>
   *  0 u64 magic           16 u64 window
   *  8 u16 version         24 u32 CRC-32C of bytes 0 to 23 and the text
   * 10 u16 0 if welcome, 1 if not
   * 12 u16 bytes of text    28 why not, UTF-8
   * 14 u16 reserved, 0
   * </pre>
   *
   * @param version the destination's
   * @param welcome whether the connection is admitted
   * @param windowBytes memory for chunks
   * @param why the reason, if not
   */
  record Answer(int version, boolean welcome, long windowBytes, String why) {

    static final int HEADER_BYTES = 28;
    static final int MAX_TEXT_BYTES = 512;

    private static final long MAGIC = 0x5646_4552_5259_0D0AL;
    private static final int CRC_OFFSET = 24;

    ByteBuffer encode() {
      byte[] text = why.getBytes(StandardCharsets.UTF_8);
      int length = Math.min(text.length, MAX_TEXT_BYTES);
      ByteBuffer into =
          ByteBuffer.allocate(HEADER_BYTES + length)
              .putLong(MAGIC)
              .putShort((short) version)
              .putShort((short) (welcome ? 0 : 1))
              .putShort((short) length)
              .putShort((short) 0)
              .putLong(windowBytes)
              .putInt(0)
              .put(text, 0, length)
              .flip();
      return into.putInt(CRC_OFFSET, checksum(into));
    }

    private static int checksum(ByteBuffer answer) {
      ByteBuffer copy = ByteBuffer.allocate(answer.limit());
      copy.put(answer.duplicate().position(0)).putInt(CRC_OFFSET, 0).flip();
      return Frame.crc32c(copy);
    }

    /** Returns the length of the text after the header. */
    static int textBytes(ByteBuffer header) throws Unreadable {
      checkMagic(header.getLong(0), MAGIC, "a destination of vferry");
      int length = header.getShort(12) & 0xffff;
      if (length > MAX_TEXT_BYTES) {
        throw new Unreadable("its answer is " + length + " bytes long");
      }
      return length;
    }

    /** Reads an answer of which header and text are there. */
    static Answer read(ByteBuffer whole) throws Unreadable {
      if (checksum(whole) != whole.getInt(CRC_OFFSET)) {
        throw new Unreadable("the checksum of its answer is wrong");
      }
      byte[] text = new byte[whole.limit() - HEADER_BYTES];
      whole.get(HEADER_BYTES, text);
      return new Answer(
          whole.getShort(8) & 0xffff,
          whole.getShort(10) == 0,
          whole.getLong(16),
          ControlReader.printable(new String(text, StandardCharsets.UTF_8)));
    }
  }
}
