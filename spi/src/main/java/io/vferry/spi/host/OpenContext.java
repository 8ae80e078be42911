package io.vferry.spi.host;

/**
 * What the runtime gives a backend that opens a device.
 *
 * @param deviceId the name of the device in the manifest, for messages
 * @param clock the time in which a software model lives, and by which drivers wait for hardware
 * @param shared what the devices opened together have in common
 */
public record OpenContext(String deviceId, HostClock clock, SharedParts shared) {

  /** Creates the context of a device that is opened alone. */
  public OpenContext(String deviceId, HostClock clock) {
    this(deviceId, clock, new SharedParts());
  }
}
