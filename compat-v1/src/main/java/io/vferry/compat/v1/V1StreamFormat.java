package io.vferry.compat.v1;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * How the chunks of a v1 driver become a stream. v1 demands that chunks are loaded in the sizes in
 * which they were saved, and a v2 stream may be cut anyhow, so each chunk is a record. All numbers
 * are little endian.
 *
 * <pre>
 * start   u32 "V1MG", u16 version 1, u16 flags, u64 0
 *         flag 1: the checksum leaves the bytes of chunks out, which prove themselves
 * record  u32 type, u32 flags 0, u64 length, then so many bytes
 *         type 1: a chunk, length at least 1
 *         type 2: the end, length 24: u64 chunks, u64 bytes, u64 CRC32C
 * </pre>
 *
 * <p>The checksum is over the start, and over each record up to the content of the end.
 */
final class V1StreamFormat {

  static final int MAGIC = 0x474d3156;
  static final short VERSION = 1;
  static final int START_BYTES = 16;
  static final int RECORD_BYTES = 16;
  static final int CHUNK = 1;
  static final int END = 2;
  static final int END_BYTES = 24;

  /** The flag of a stream whose chunks are not in its checksum. */
  static final short CHECKSUMMED = 1;

  /** How much is moved and summed at a time: what stays in a core's cache between the two. */
  static final int PIECE_BYTES = 1 << 16;

  private V1StreamFormat() {}

  static ByteBuffer buffer(int lengthBytes) {
    return ByteBuffer.allocate(lengthBytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  static void putStart(ByteBuffer into, boolean checksummed) {
    into.putInt(MAGIC).putShort(VERSION).putShort(checksummed ? CHECKSUMMED : 0).putLong(0);
  }

  static void putRecord(ByteBuffer into, int type, long lengthBytes) {
    into.putInt(type).putInt(0).putLong(lengthBytes);
  }
}
