package io.vferry.spi.driver;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import java.util.Optional;

/**
 * What a vendor ships: makes devices of some kinds migratable. A service: implementations are
 * public, carry {@link SpiLevel}, and have a public constructor without arguments that does nothing
 * slow.
 *
 * <p>Stateless; all methods may be called from any thread at the same time.
 */
public interface MigrationDriver {

  /** Returns who this driver is. */
  DriverInfo info();

  /** Judges how well this driver serves a device, from what is known without opening it. */
  DriverMatch match(HostDeviceInfo device);

  /**
   * Takes charge of an open device. The state of the device is left as it is.
   *
   * @param device stays the caller's, who closes it after the result
   * @throws MigrationException {@code NOT_MIGRATABLE} if the device lacks what the driver needs,
   *     with the remedy in its text
   */
  MigratableDevice attach(HostDevice device) throws MigrationException;

  /** Returns the reader of this driver's streams, if it has one. */
  default Optional<StreamInspector> inspector() {
    return Optional.empty();
  }
}
