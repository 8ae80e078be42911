package io.vferry.spi.error;

/** What can still be done with a device after a failure. */
public enum DeviceCondition {
  /** The device works in the state it reports; another arc may be tried. */
  USABLE,
  /** Only a reset brings the device back. */
  NEEDS_RESET,
  /** Not even a reset helps. */
  LOST,
  /** The failure says nothing about the device. */
  UNKNOWN
}
