package io.vferry.spi.host;

/**
 * How often a device was reset, whoever did it: by this a driver notices that the guest reset the
 * device behind its back. Found by {@link HostDevice#capability}. Any thread; never waits.
 */
@FunctionalInterface
public interface ResetCount {

  /** Returns how many resets were completed since the device was opened; only grows. */
  long resets();
}
