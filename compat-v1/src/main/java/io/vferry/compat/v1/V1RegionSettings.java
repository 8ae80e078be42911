package io.vferry.compat.v1;

import io.vferry.spi.host.HostClock;

/**
 * How a {@link V1MigrationRegion} looks and waits.
 *
 * @param index of the region, as in {@link io.vferry.spi.host.RegionInfo}; device specific regions
 *     of a PCI device begin at 9
 * @param windowBytes the size of the data window, 1 to 1 GiB; at least what the source of the data
 *     sends in one piece. A client does one round of accesses for so many bytes, so a small window
 *     is slow
 * @param mapped whether the window can be mapped; its size is a multiple of 4096 then
 * @param waitNanos how long one access may wait for the device: for data, or for an arc; at least 1
 * @param clock measures the waits
 */
public record V1RegionSettings(
    int index, int windowBytes, boolean mapped, long waitNanos, HostClock clock) {

  /** Where the window begins: on a page of its own, so that it can be mapped. */
  public static final int WINDOW_OFFSET = 4096;

  /** The largest window in bytes. */
  public static final int MAX_WINDOW_BYTES = 1 << 30;

  /**
   * Creates settings.
   *
   * @throws IllegalArgumentException if a number is not as said above
   */
  public V1RegionSettings {
    if (index < 0) {
      throw new IllegalArgumentException("region index " + index + " is negative");
    }
    if (windowBytes < 1 || windowBytes > MAX_WINDOW_BYTES) {
      throw new IllegalArgumentException(
          "a window of %d bytes; it has 1 to %d".formatted(windowBytes, MAX_WINDOW_BYTES));
    }
    if (mapped && windowBytes % WINDOW_OFFSET != 0) {
      throw new IllegalArgumentException(
          "a mapped window of %d bytes; it is a multiple of %d"
              .formatted(windowBytes, WINDOW_OFFSET));
    }
    if (waitNanos < 1) {
      throw new IllegalArgumentException("a wait of " + waitNanos + " ns ends before it begins");
    }
  }
}
