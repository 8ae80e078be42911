package io.vferry.vendor.sim;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;

/**
 * What a page holds after its writer wrote it for the n-th time, so that a reader who knows the
 * writer and n can tell whether a single byte is wrong.
 *
 * <p>A page is a header (writer, page, version, check) and a piece of a fixed noise at a place that
 * depends on all three: made by copying, at the speed of memory. Version 0 is a page of zeros.
 */
final class SimPattern {

  static final int PAGE_SHIFT = 12;
  static final int PAGE_BYTES = 1 << PAGE_SHIFT;

  private static final int HEADER_BYTES = 32;
  private static final int NOISE_BYTES = 1 << 16;

  private final ByteBuffer noise =
      ByteBuffer.allocateDirect(NOISE_BYTES + PAGE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private final ByteBuffer zeros = ByteBuffer.allocateDirect(PAGE_BYTES);

  SimPattern() {
    SplittableRandom random = new SplittableRandom(0x5eed_0f_90_15eL);
    for (int at = 0; at < noise.capacity(); at += Long.BYTES) {
      noise.putLong(at, random.nextLong());
    }
  }

  /** Scrambles a number; the finalizer of SplitMix64. */
  static long mix(long value) {
    long z = value + 0x9e3779b97f4a7c15L;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }

  /**
   * Writes a page.
   *
   * @param target little endian
   * @param at where the page begins in it
   * @param length 0 to 4096; less than a page where the memory ends inside one
   * @param version 0 or more
   */
  void fill(ByteBuffer target, int at, int length, long writer, long page, long version) {
    if (version == 0) {
      target.put(at, zeros, 0, length);
      return;
    }
    long check = check(writer, page, version);
    target.put(at, noise, offset(check), length);
    if (length >= HEADER_BYTES) {
      target.putLong(at, writer).putLong(at + 8, page);
      target.putLong(at + 16, version).putLong(at + 24, check);
    }
  }

  /** Whether a page holds what {@link #fill} writes. */
  boolean matches(ByteBuffer memory, int at, int length, long writer, long page, long version) {
    if (version == 0) {
      return memory.slice(at, length).equals(zeros.slice(0, length));
    }
    long check = check(writer, page, version);
    int header = length >= HEADER_BYTES ? HEADER_BYTES : 0;
    return (header == 0
            || (memory.getLong(at) == writer
                && memory.getLong(at + 8) == page
                && memory.getLong(at + 16) == version
                && memory.getLong(at + 24) == check))
        && memory
            .slice(at + header, length - header)
            .equals(noise.slice(offset(check) + header, length - header));
  }

  /** Returns which version a page says that it holds; 0 if it holds zeros. */
  static long version(ByteBuffer memory, int at) {
    return memory.getLong(at + 16);
  }

  private static long check(long writer, long page, long version) {
    return mix(mix(mix(writer) ^ page) ^ version);
  }

  private static int offset(long check) {
    return (int) (check & (NOISE_BYTES - Long.BYTES));
  }
}
