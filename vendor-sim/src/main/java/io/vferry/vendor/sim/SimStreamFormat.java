package io.vferry.vendor.sim;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * The stream of the simulated device, little endian: records, each of a header of 32 bytes, a
 * payload and the CRC-32C of the payload.
 *
 * <pre>
 * header   type u32, payload length u32, number of the record u64, session u64,
 *          reserved u32 (0), CRC-32C of the 28 bytes before u32
 * START    magic u64, major u32, minor u32, model u32, firmware u32, state bytes u64
 * MEMORY   first page u64, pages u32, reserved u32 (0), version of each page u32..., their bytes
 * CORE     what only the device understands
 * END      records before u64, memory bytes u64, digest u64
 * </pre>
 *
 * <p>The digest chains the checksums of all records before it in order.
 */
final class SimStreamFormat {

  static final long MAGIC = 0x31302d4d_49532d46L;
  static final int MAJOR = 1;
  static final int MINOR = 1;

  static final int HEADER_BYTES = 32;
  static final int TRAILER_BYTES = 4;
  static final int START = 1;
  static final int MEMORY = 2;
  static final int CORE = 3;
  static final int END = 4;

  static final int START_BYTES = 32;
  static final int MEMORY_FIXED_BYTES = 16;
  static final int END_BYTES = 24;
  static final int MAX_META_BYTES = MEMORY_FIXED_BYTES + SimRegisters.WINDOW_PAGES * Integer.BYTES;

  private SimStreamFormat() {}

  /** Writes a header at the position. */
  static void putHeader(ByteBuffer out, int type, int payloadBytes, long number, long session) {
    int at = out.position();
    out.putInt(type).putInt(payloadBytes).putLong(number).putLong(session).putInt(0);
    out.putInt(crc(out, at, HEADER_BYTES - Integer.BYTES));
  }

  /** Returns the CRC-32C of a part of a buffer. */
  static int crc(ByteBuffer buffer, int at, int length) {
    CRC32C crc = new CRC32C();
    crc.update(buffer.slice(at, length));
    return (int) crc.getValue();
  }

  static long chain(long digest, int type, int payloadBytes, int payloadCrc) {
    return SimPattern.mix(SimPattern.mix(digest ^ ((long) type << 32 | payloadBytes)) ^ payloadCrc);
  }

  static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
