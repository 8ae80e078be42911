package io.vferry.tck;

/**
 * What bounds a run.
 *
 * @param callNanos how long one step may take, in real time
 * @param seed of everything random
 */
public record Limits(long callNanos, long seed) {

  /** Creates limits. */
  public Limits {
    if (callNanos < 1) {
      throw new IllegalArgumentException("a step needs some time, not " + callNanos + " ns");
    }
  }

  /** Returns 30 seconds for a step, and a fixed seed. */
  public static Limits standard() {
    return new Limits(30_000_000_000L, 1);
  }
}
