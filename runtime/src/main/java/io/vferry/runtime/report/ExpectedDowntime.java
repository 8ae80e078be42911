package io.vferry.runtime.report;

/**
 * A prediction of the downtime, with its error bound. Times in milliseconds, 0 or more.
 *
 * @param millis what is expected
 * @param leastMillis if all goes as well as the best that was measured
 * @param mostMillis if all goes as badly as the worst that was measured, and devices have to send
 *     as much as they say at most
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
