package io.vferry.tck;

/** What became of a check. */
public enum Verdict {
  /** The promise was kept. */
  PASSED,
  /** The promise was broken. */
  FAILED,
  /** The device does not claim what the check is about, or cannot be made to show it. */
  NOT_APPLICABLE
}
