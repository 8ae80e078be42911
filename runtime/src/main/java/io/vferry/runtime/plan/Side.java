package io.vferry.runtime.plan;

import java.util.Locale;

/** One of the two ends of a migration. */
public enum Side {
  /** Where the virtual machine runs before. */
  SOURCE,
  /** Where it runs afterwards. */
  DESTINATION;

  /** Returns the name for people and programs. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
