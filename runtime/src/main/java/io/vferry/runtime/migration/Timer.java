package io.vferry.runtime.migration;

/**
 * Names a timer of a role.
 *
 * @param kind what it watches
 * @param device number of the device; -1 if it watches none
 */
public record Timer(Kind kind, int device) {

  /** What a timer watches. */
  public enum Kind {
    /** Connecting and admission. */
    SETUP,
    /** One arc of one device. */
    ARC,
    /** One reset of one device. */
    RESET,
    /** A pause between two looks at dirty memory. */
    ROUND,
    /** The time without a running guest, until the destination is ready. */
    SWITCHOVER,
    /** The start of the guest on the destination. */
    START
  }

  static Timer of(Kind kind) {
    return new Timer(kind, -1);
  }
}
