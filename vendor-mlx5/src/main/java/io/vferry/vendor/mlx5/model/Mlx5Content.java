package io.vferry.vendor.mlx5.model;

import java.util.BitSet;

/**
 * The internal state of a function: pages, each of which was changed so many times, and which of
 * them a migration still has to carry. The card's lock guards it.
 */
final class Mlx5Content {

  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  private long writer;
  private int[] versions;
  private final BitSet pending = new BitSet();
  private long fingerprint;
  private long random;
  private double rest;

  Mlx5Content(long writer, int pages) {
    powerOn(writer, pages);
  }

  /** Forgets all; each page was changed once. */
  void powerOn(long newWriter, int pages) {
    writer = newWriter;
    versions = new int[pages];
    random = Mlx5Pattern.mix(newWriter);
    rest = 0;
    pending.clear();
    fingerprint = 0;
    for (int page = 0; page < pages; page++) {
      set(page, 1);
    }
  }

  /** Begins a load: nothing is known about any page. */
  void forget(long newWriter, int pages) {
    writer = newWriter;
    versions = new int[pages];
    random = Mlx5Pattern.mix(newWriter);
    rest = 0;
    pending.clear();
    fingerprint = 0;
  }

  private static long mark(int page, int version) {
    return version == 0 ? 0 : Mlx5Pattern.mix((long) page << 32 | version);
  }

  void set(int page, int version) {
    fingerprint += mark(page, version) - mark(page, versions[page]);
    versions[page] = version;
  }

  long writer() {
    return writer;
  }

  int pages() {
    return versions.length;
  }

  int version(int page) {
    return versions[page];
  }

  /** Returns a number that differs whenever a page does; kept up with each change. */
  long fingerprint() {
    return fingerprint;
  }

  /** Returns the same number, computed from the pages. */
  long computedFingerprint() {
    long sum = 0;
    for (int page = 0; page < versions.length; page++) {
      sum += mark(page, versions[page]);
    }
    return sum;
  }

  int pendingPages() {
    return pending.cardinality();
  }

  void allPending() {
    pending.set(0, versions.length);
  }

  void nothingPending() {
    pending.clear();
  }

  /** Returns the first pages that are pending, ascending, at most so many. */
  int[] firstPending(int most) {
    return pending.stream().limit(most).toArray();
  }

  void sent(int[] pages, int[] sentVersions) {
    for (int i = 0; i < pages.length; i++) {
      if (versions[pages[i]] == sentVersions[i]) {
        pending.clear(pages[i]);
      }
    }
  }

  /** Lets so many bytes of state change in a second of the time that passed. */
  void run(long elapsedNanos, long bytesPerSecond, boolean tracked) {
    rest += (double) bytesPerSecond * elapsedNanos / NANOS_PER_SECOND / Mlx5Pattern.PAGE_BYTES;
    rest = Math.min(rest, versions.length);
    int count = (int) rest;
    rest -= count;
    change(count, tracked);
  }

  /** Changes so many pages. */
  void change(int count, boolean tracked) {
    for (int i = 0; i < count && versions.length > 0; i++) {
      random += 0x9e3779b97f4a7c15L;
      int page = (int) Long.remainderUnsigned(Mlx5Pattern.mix(random), versions.length);
      set(page, versions[page] + 1);
      if (tracked) {
        pending.set(page);
      }
    }
  }
}
