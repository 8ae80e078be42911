package io.vferry.host.linux;

/** What becomes of a device that is not RUNNING when it is opened: parameter {@code leftover}. */
public enum Leftover {
  /** It is reset. */
  RESET,
  /** It stays as it is. */
  KEEP
}
