package io.vferry.compat.v1;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * How the chunks of a v1 driver become a stream. v1 demands that chunks are loaded in the sizes in
 * which they were saved, and a v2 stream may be cut anyhow, so each chunk is a record. All numbers
 * are little endian.
 *
 * <pre>
 * start   u32 "V1MG", u16 version 1, u16 flags, u32 length, u32 0, then so many bytes: what the
 *         source's device must have in common with the destination's, as DataOutput writes it:
 *         u16 entries, for each its key and its value by writeUTF
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

  /** The largest description that is read; 64 entries of 256 characters have room. */
  static final int MAX_DESCRIPTION_BYTES = 1 << 17;

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

  static ByteBuffer start(boolean checksummed, Map<String, String> description) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeShort(description.size());
      for (Map.Entry<String, String> entry : description.entrySet()) {
        out.writeUTF(entry.getKey());
        out.writeUTF(entry.getValue());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return buffer(START_BYTES + bytes.size())
        .putInt(MAGIC)
        .putShort(VERSION)
        .putShort(checksummed ? CHECKSUMMED : 0)
        .putInt(bytes.size())
        .putInt(0)
        .put(bytes.toByteArray())
        .flip();
  }

  /** Reads a description back; empty if it is damaged. */
  static Optional<Map<String, String>> description(ByteBuffer from) {
    byte[] bytes = new byte[from.remaining()];
    from.get(bytes);
    Map<String, String> description = new TreeMap<>();
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      int entries = in.readUnsignedShort();
      for (int i = 0; i < entries; i++) {
        description.put(in.readUTF(), in.readUTF());
      }
      return in.available() == 0 ? Optional.of(description) : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  static void putRecord(ByteBuffer into, int type, long lengthBytes) {
    into.putInt(type).putInt(0).putLong(lengthBytes);
  }
}
