package io.vferry.spi.host;

/**
 * What the runtime gives a backend that opens a device.
 *
 * @param deviceId the name of the device in the manifest, for messages
 * @param clock the time in which a software model lives; real hardware ignores it
 */
public record OpenContext(String deviceId, HostClock clock) {}
