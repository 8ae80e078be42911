package io.vferry.runtime.discovery;

import io.vferry.spi.driver.SpiLevel;

/**
 * A version of the driver interface.
 *
 * @param major 1 or more; another major does not work together with this one
 * @param minor 0 or more; grows with each addition
 */
public record SpiVersion(int major, int minor) implements Comparable<SpiVersion> {

  /** Returns the version that this runtime offers. */
  public static SpiVersion offered() {
    return new SpiVersion(SpiLevel.MAJOR, SpiLevel.MINOR);
  }

  /** Whether a service compiled for {@code required} works on this version. */
  boolean serves(SpiVersion required) {
    return required.major == major && required.minor <= minor;
  }

  @Override
  public int compareTo(SpiVersion other) {
    return major != other.major
        ? Integer.compare(major, other.major)
        : Integer.compare(minor, other.minor);
  }

  @Override
  public String toString() {
    return major + "." + minor;
  }
}
