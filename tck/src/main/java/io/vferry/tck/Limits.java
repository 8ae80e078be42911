package io.vferry.tck;

/**
 * What bounds a run.
 *
 * @param callNanos how long one step may take, in real time
 * @param seed of everything random
 * @param accessesPerArc at how many accesses to the device, spread over the first 24 of an arc, one
 *     is made to fail; each is tried on a fresh device. Fewer than 24 save time where a driver
 *     takes long to start
 */
public record Limits(long callNanos, long seed, int accessesPerArc) {

  /** An arc with more accesses than this, as one that copies, is tried at its first ones. */
  static final int MAX_ACCESSES_PER_ARC = 24;

  /** Creates limits. */
  public Limits {
    if (callNanos < 1) {
      throw new IllegalArgumentException("a step needs some time, not " + callNanos + " ns");
    }
    if (accessesPerArc < 1 || accessesPerArc > MAX_ACCESSES_PER_ARC) {
      throw new IllegalArgumentException(
          "an arc is tried at 1 to %d accesses, not %d"
              .formatted(MAX_ACCESSES_PER_ARC, accessesPerArc));
    }
  }

  /** Creates limits with as many accesses of each arc as there can be. */
  public Limits(long callNanos, long seed) {
    this(callNanos, seed, MAX_ACCESSES_PER_ARC);
  }

  /** Returns at how many of an arc's first accesses a check that tries so many has one fail. */
  int accesses(int most) {
    return Math.min(most, accessesPerArc);
  }

  /** Returns 30 seconds for a step, a fixed seed, and 24 accesses. */
  public static Limits standard() {
    return new Limits(30_000_000_000L, 1);
  }
}
