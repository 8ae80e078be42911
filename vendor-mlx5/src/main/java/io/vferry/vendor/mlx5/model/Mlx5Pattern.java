package io.vferry.vendor.mlx5.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** What pages hold: bytes that follow from who wrote which page for the how manieth time. */
final class Mlx5Pattern {

  static final int PAGE_BYTES = Mlx5Iommu.PAGE_BYTES;
  private static final long STEP = 0x9e3779b97f4a7c15L;

  private Mlx5Pattern() {}

  /** Scrambles a number, so that close ones become unlike. */
  static long mix(long value) {
    long z = value + STEP;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }

  /** Undoes {@link #mix}. */
  static long unmix(long mixed) {
    long z = mixed ^ (mixed >>> 31) ^ (mixed >>> 62);
    z *= 0x319642b2d24d8ec3L;
    z = (z ^ (z >>> 27) ^ (z >>> 54)) * 0x96de1b173f119089L;
    return (z ^ (z >>> 30) ^ (z >>> 60)) - STEP;
  }

  /** Returns which version a page says that it holds: as its first 8 bytes have it. */
  static long version(ByteBuffer from, long writer, long page) {
    long word = from.slice().order(ByteOrder.nativeOrder()).getLong(0);
    return word == 0 ? 0 : unmix(word) - mix(writer ^ mix(page));
  }

  private static long first(long writer, long page, long version) {
    return mix(mix(writer ^ mix(page)) + version);
  }

  /** Writes the content of a page at the position of a buffer; version 0 is all zeros. */
  static void put(ByteBuffer into, long writer, long page, long version) {
    ByteBuffer out = into.slice(into.position(), PAGE_BYTES).order(ByteOrder.nativeOrder());
    long word = first(writer, page, version);
    for (int at = 0; at < PAGE_BYTES; at += Long.BYTES) {
      out.putLong(at, version == 0 ? 0 : word);
      word += STEP;
    }
    into.position(into.position() + PAGE_BYTES);
  }

  /** Whether the next page of a buffer has the content; moves on. */
  static boolean matches(ByteBuffer from, long writer, long page, long version) {
    ByteBuffer in = from.slice(from.position(), PAGE_BYTES).order(ByteOrder.nativeOrder());
    from.position(from.position() + PAGE_BYTES);
    long word = first(writer, page, version);
    long difference = 0;
    for (int at = 0; at < PAGE_BYTES; at += Long.BYTES) {
      difference |= in.getLong(at) ^ (version == 0 ? 0 : word);
      word += STEP;
    }
    return difference == 0;
  }
}
