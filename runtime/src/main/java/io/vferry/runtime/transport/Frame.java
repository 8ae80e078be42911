package io.vferry.runtime.transport;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * The header before each chunk on a data connection, 40 bytes, big endian.
 *
 * <pre>
 *  0 u32 magic          16 u64 sequence
 *  4 u8  version        24 u64 address
 *  5 u8  type           32 u32 CRC-32C of the payload
 *  6 u16 stream         36 u32 CRC-32C of bytes 0 to 35
 *  8 u32 length
 * 12 u32 reserved, 0
 * </pre>
 *
 * <p>The header has its own checksum, so that no damaged length is ever waited for.
 */
final class Frame {

  static final int HEADER_BYTES = 40;

  private static final int MAGIC = 0x56464348;
  private static final byte VERSION = 1;
  private static final byte TYPE_CHUNK = 1;
  private static final byte TYPE_END = 2;
  private static final int CHECKED_BYTES = 36;

  private Frame() {}

  /** Writes the header of a chunk at the buffer's position. */
  static void putChunk(Chunk chunk, ByteBuffer into) {
    put(
        into,
        TYPE_CHUNK,
        chunk.stream(),
        chunk.lengthBytes(),
        chunk.sequence(),
        chunk.address(),
        chunk.crc32c());
  }

  /** Writes the header that says that no chunk follows on this connection. */
  static void putEnd(ByteBuffer into) {
    put(into, TYPE_END, 0, 0, 0, 0, 0);
  }

  private static void put(
      ByteBuffer into, byte type, int stream, int length, long sequence, long address, int crc) {
    int start = into.position();
    into.putInt(MAGIC)
        .put(VERSION)
        .put(type)
        .putShort((short) stream)
        .putInt(length)
        .putInt(0)
        .putLong(sequence)
        .putLong(address)
        .putInt(crc);
    into.putInt(crc32c(into.duplicate().flip().position(start)));
  }

  /**
   * Reads a header at the buffer's position.
   *
   * @return the chunk whose payload follows, or empty if the connection ends here
   * @throws MigrationException {@code TRANSPORT_VIOLATION} or {@code TRANSPORT_CORRUPT}
   */
  static Optional<Chunk> read(ByteBuffer from, String peer) throws MigrationException {
    int start = from.position();
    if (from.getInt(start) != MAGIC) {
      throw violation(peer, "bytes 0x%08x where a frame begins".formatted(from.getInt(start)));
    }
    int found = crc32c(from.duplicate().limit(start + CHECKED_BYTES).position(start));
    if (found != from.getInt(start + CHECKED_BYTES)) {
      throw new MigrationException(
          RuntimeError.TRANSPORT_CORRUPT,
          "the checksum of a frame header from " + peer + " is wrong");
    }
    byte version = from.get(start + 4);
    byte type = from.get(start + 5);
    if (version != VERSION || from.getInt(start + 12) != 0) {
      throw violation(peer, "a frame of version " + version + ", which is not known here");
    }
    int stream = from.getShort(start + 6) & 0xffff;
    int length = from.getInt(start + 8);
    long sequence = from.getLong(start + 16);
    long address = from.getLong(start + 24);
    int crc = from.getInt(start + 32);
    from.position(start + HEADER_BYTES);
    if (type == TYPE_END) {
      return Optional.empty();
    }
    if (type != TYPE_CHUNK) {
      throw violation(peer, "a frame of type " + type + ", which is not known here");
    }
    try {
      return Optional.of(new Chunk(stream, sequence, address, length, crc));
    } catch (IllegalArgumentException e) {
      throw violation(peer, "a frame whose " + e.getMessage());
    }
  }

  /** Returns the checksum of the remaining bytes, without moving the buffer. */
  static int crc32c(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes.duplicate());
    return (int) crc.getValue();
  }

  private static MigrationException violation(String peer, String what) {
    return new MigrationException(RuntimeError.TRANSPORT_VIOLATION, peer + " sent " + what);
  }
}
