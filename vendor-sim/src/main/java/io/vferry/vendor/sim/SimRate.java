package io.vferry.vendor.sim;

/** Turns time that passed into a whole number of events and keeps the rest for later. */
final class SimRate {

  private static final double NANOS_PER_SECOND = 1e9;

  private final double perSecond;
  private double rest;

  SimRate(double perSecond) {
    this.perSecond = perSecond;
  }

  /**
   * Returns how many events fall due.
   *
   * @param max what is beyond is forgotten: a host that was asleep does not catch up
   */
  int due(long elapsedNanos, int max) {
    rest = Math.min(rest + perSecond * elapsedNanos / NANOS_PER_SECOND, max);
    int due = (int) rest;
    rest -= due;
    return due;
  }
}
