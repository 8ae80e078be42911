package io.vferry.spi.host;

/**
 * Whether something can be used on this host. That it cannot is a value, not an exception, so that
 * it can be shown beside what can.
 *
 * @param available whether it can
 * @param reason why not, one sentence; empty if it can
 */
public record Availability(boolean available, String reason) {

  /** Returns "yes". */
  public static Availability yes() {
    return new Availability(true, "");
  }

  /** Returns "no", with the reason. */
  public static Availability no(String reason) {
    return new Availability(false, reason);
  }
}
