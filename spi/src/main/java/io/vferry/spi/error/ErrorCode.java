package io.vferry.spi.error;

/**
 * A stable code for one kind of failure; programs may rely on it, people look it up in the manual.
 *
 * <p>Ranges: 1000 to 1999 drivers and devices ({@link DeviceError}), 2000 to 2999 the runtime, 3000
 * to 3999 the command line, 4000 to 9999 reserved, 10000 and above free for vendors, who implement
 * this interface with an enum of their own.
 */
public interface ErrorCode {

  /** Returns the number, unique among all codes; it never changes its meaning. */
  int number();

  /** Returns the constant's name, for people. */
  String name();

  /** Returns what a person can do about it: one sentence in the imperative mood. */
  String advice();

  /** Returns the form in which the code is printed, {@code VF-1003}. */
  default String label() {
    return "VF-" + number();
  }
}
