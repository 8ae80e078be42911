package io.vferry.spi.driver;

/**
 * How well a driver serves a device. Among several drivers the highest rank wins; two of the same
 * rank are a conflict that the integrator resolves by naming one.
 *
 * @param rank what the match rests on
 * @param reason one sentence: why it serves the device, or why not
 */
public record DriverMatch(Rank rank, String reason) {

  /** What a match rests on, from worst to best. */
  public enum Rank {
    /** Does not serve the device. */
    NONE,
    /** Serves any device that offers some standard interface. */
    GENERIC,
    /** Serves this family of devices. */
    FAMILY,
    /** Knows exactly this device. */
    EXACT
  }

  /** Returns a match of rank {@link Rank#NONE}. */
  public static DriverMatch none(String reason) {
    return new DriverMatch(Rank.NONE, reason);
  }
}
