package io.vferry.spi.access;

/** Whether an access is legal. */
public enum Permission {
  /** Legal, and has its normal effect. */
  YES,
  /** Legal and harmless to the host, but may spoil the migration data or have no useful effect. */
  AVOID,
  /** Not legal: it never happens, or who does it gets an error. */
  NO,
  /** Nobody promises anything. */
  UNSPECIFIED
}
