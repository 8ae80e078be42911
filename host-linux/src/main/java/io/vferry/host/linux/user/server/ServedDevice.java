package io.vferry.host.linux.user.server;

import io.vferry.spi.access.AccessGuard;
import io.vferry.spi.access.AccessPolicy;
import io.vferry.spi.access.GuardedHostDevice;
import io.vferry.spi.driver.GuestRegions;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.memory.DmaLog;
import java.util.Optional;

/**
 * What is served. Both parts stay the caller's, who closes them when the server has ended.
 *
 * @param name for messages
 * @param host the device; its client gets all of it but what its driver keeps for itself
 * @param driven the same device with its driver, so that the client can migrate it without knowing
 *     the driver; empty if the client is to run a driver of its own over the regions
 */
public record ServedDevice(String name, HostDevice host, Optional<MigratableDevice> driven) {

  /** Returns the device as the client sees it. */
  HostDevice visible() {
    Optional<GuestRegions> limits = driven.flatMap(device -> device.capability(GuestRegions.class));
    return limits.isEmpty()
        ? host
        : new GuardedHostDevice(
            host,
            new AccessGuard(name, AccessPolicy.Mode.OFF, (id, access, state) -> {}),
            limits.get());
  }

  Optional<DmaLog> dmaLog() {
    return driven
        .flatMap(device -> device.capability(DmaLog.class))
        .or(() -> host.capability(DmaLog.class));
  }

  void reset() throws MigrationException {
    if (driven.isPresent()) {
      driven.get().reset();
    } else {
      host.reset();
    }
  }
}
