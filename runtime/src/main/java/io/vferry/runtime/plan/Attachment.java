package io.vferry.runtime.plan;

import io.vferry.runtime.discovery.DriverChoice;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import java.util.Optional;

/**
 * What became of one device of the manifest on one side: it is open with its driver, or why not.
 */
public sealed interface Attachment {

  /** Returns the device's name in the manifest. */
  String id();

  /** Returns where the device is on this side. */
  DeviceAddress address();

  /** Returns which driver was chosen; empty if it did not come to that. */
  Optional<DriverChoice> choice();

  /**
   * The device is open and its driver has taken charge of it.
   *
   * @param host the device as the host gives it
   * @param chosen the driver
   * @param device the device as the driver gives it
   */
  record Attached(
      String id,
      DeviceAddress address,
      HostDevice host,
      DriverChoice.Chosen chosen,
      MigratableDevice device)
      implements Attachment {

    @Override
    public Optional<DriverChoice> choice() {
      return Optional.of(chosen);
    }
  }

  /**
   * The device cannot be used.
   *
   * @param blocker why not
   */
  record Failed(String id, DeviceAddress address, Optional<DriverChoice> choice, Blocker blocker)
      implements Attachment {}
}
