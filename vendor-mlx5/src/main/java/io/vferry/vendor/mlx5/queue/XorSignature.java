package io.vferry.vendor.mlx5.queue;

import java.nio.ByteBuffer;

/** The device's checksum: the complement of all bytes joined by exclusive or. */
final class XorSignature {

  private XorSignature() {}

  /** Returns what makes the exclusive or of a range and itself 0xff. */
  static byte over(ByteBuffer bytes, int from, int to) {
    return (byte) ~fold(bytes, from, to);
  }

  /** Whether a range that includes its own signature is intact. */
  static boolean intact(ByteBuffer bytes, int from, int to) {
    return fold(bytes, from, to) == (byte) 0xff;
  }

  private static byte fold(ByteBuffer bytes, int from, int to) {
    long wide = 0;
    int offset = from;
    for (; offset + Long.BYTES <= to; offset += Long.BYTES) {
      wide ^= bytes.getLong(offset);
    }
    wide ^= wide >>> 32;
    wide ^= wide >>> 16;
    byte sum = (byte) (wide ^ wide >>> 8);
    for (; offset < to; offset++) {
      sum ^= bytes.get(offset);
    }
    return sum;
  }
}
