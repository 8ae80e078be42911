package io.vferry.spi.driver;

import java.util.Map;

/**
 * Optional feature: says how much of each region the guest gets, for hardware that keeps what
 * migration needs in the same region as what the guest needs. The host keeps the rest for the
 * driver; a guest that could reach it could spoil its own migration.
 */
@FunctionalInterface
public interface GuestRegions {

  /**
   * Returns how much the guest gets of regions of which it does not get all. Does not change while
   * the device is attached. Any thread.
   *
   * @return by index as in {@link io.vferry.spi.host.RegionInfo}, bytes from the start of the
   *     region, 0 or more; 0 if the guest does not get the region
   */
  Map<Integer, Long> limitsBytes();
}
