package io.vferry.spi.model;

import io.vferry.spi.error.MigrationException;
import java.util.Optional;

/**
 * What a guest would run to use a modelled device: its driver and a workload. A device model offers
 * it as a {@linkplain io.vferry.spi.host.HostDevice#capability capability} of the devices it
 * creates, so that a simulated virtual machine can make them work and can prove afterwards that
 * nothing was lost.
 */
public interface GuestSoftware {

  /**
   * Returns how much guest memory it needs, in bytes, 0 or more; the machine rounds up to whole
   * pages, which belong to nobody else.
   */
  long memoryBytes();

  /**
   * Returns the region to which the devices of its peers write, if it takes such traffic. The
   * machine places all of it where they can reach it.
   *
   * @return an index as in {@link io.vferry.spi.host.RegionInfo}
   */
  Optional<Integer> peerRegion();

  /**
   * Installs a driver for one plugged device; accesses nothing yet.
   *
   * @throws MigrationException {@code BAD_REQUEST} if the device is none that it knows
   */
  GuestDriver install(GuestRoom room) throws MigrationException;
}
