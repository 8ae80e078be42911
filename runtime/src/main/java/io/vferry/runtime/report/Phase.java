package io.vferry.runtime.report;

import java.util.Locale;

/** The phases of a migration, in order; the last three are ends. */
public enum Phase {
  SETUP,
  PRECOPY,
  SWITCHOVER,
  STOP_COPY,
  READY,
  COMMITTED,
  COMPLETED,
  FAILED,
  CANCELLED;

  /** Returns the name as programs read it, in kebab case. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Whether nothing happens any more. */
  public boolean ended() {
    return this == COMPLETED || this == FAILED || this == CANCELLED;
  }
}
