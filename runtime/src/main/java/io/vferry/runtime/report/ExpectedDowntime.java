package io.vferry.runtime.report;

/**
 * A prediction of the downtime, with its error bound. Times in milliseconds, 0 or more.
 *
 * @param millis if data move as fast as in the last rounds before the guest was stopped. Often too
 *     high: a guest that stands still does not hinder them any more
 * @param leastMillis if data move all the time as fast as the fastest that moved so far, and arcs
 *     take as long as the shortest
 * @param mostMillis if data move as slowly as in the slowest of the last rounds, arcs take as long
 *     as the longest, and devices have to send as much as they say at most
 */
public record ExpectedDowntime(double millis, double leastMillis, double mostMillis) {

  /** Prints it for people, {@code 412 ms (305 ms to 690 ms)}. */
  @Override
  public String toString() {
    return Figure.millis(millis)
        + " ("
        + Figure.millis(leastMillis)
        + " to "
        + Figure.millis(mostMillis)
        + ")";
  }
}
