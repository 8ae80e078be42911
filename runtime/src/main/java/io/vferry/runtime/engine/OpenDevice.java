package io.vferry.runtime.engine;

import io.vferry.spi.access.AccessGuard;
import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.memory.DmaLog;
import java.util.Optional;

/**
 * A device of one side, open and with a driver attached.
 *
 * @param number place in the manifest, from 0
 * @param id name in the manifest
 * @param guard is told of each arc, and asked by the guest's accesses
 */
public record OpenDevice(
    int number,
    String id,
    DeviceAddress address,
    DriverInfo driver,
    HostDevice host,
    MigratableDevice device,
    AccessGuard guard) {

  /** Returns the number of the stream that carries this device's data. */
  int stream() {
    return number + 1;
  }

  /** Returns the device's own log of its DMA, or the host's, if there is one. */
  Optional<DmaLog> dmaLog() {
    return device.capability(DmaLog.class).or(() -> host.capability(DmaLog.class));
  }
}
