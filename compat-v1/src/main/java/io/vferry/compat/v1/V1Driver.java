package io.vferry.compat.v1;

import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;

/**
 * A driver written for the v1 interface. A service: {@link V1MigrationDriver}, which lies in the
 * same place as the driver's jar, finds it and offers it to the runtime as a driver like any other.
 *
 * <p>A driver directory shows its jars nothing of the host but {@code io.vferry.spi}, so the jar of
 * this module lies beside the driver's, both in one sub-directory.
 *
 * <p>Implementations are public, have a public constructor without arguments that does nothing
 * slow, and are stateless; all methods may be called from any thread at the same time.
 */
public interface V1Driver {

  /** Returns who this driver is. */
  DriverInfo info();

  /** Judges how well this driver serves a device, from what is known without opening it. */
  DriverMatch match(HostDeviceInfo device);

  /** Returns what its devices understand by "not running". */
  default V1Stopping stopping() {
    return V1Stopping.AT_ONCE;
  }

  /** Returns when its devices make what was loaded their state. */
  default V1Loading loading() {
    return stopping() == V1Stopping.QUIESCENT_POINT ? V1Loading.WHEN_LEFT : V1Loading.AT_START;
  }

  /**
   * Whether a device may have no state at all to save. If not, a save that gives no byte is a
   * failure: a driver of 2021 forgot to save after a pre-copy, and nobody noticed.
   */
  default boolean maySaveNothing() {
    return false;
  }

  /**
   * Whether what its devices save proves by itself that no bit of it changed: by a checksum of the
   * driver's or the hardware's that is checked before the data are used. If not, the adapter adds
   * one, which costs time on both sides. Both sides say the same.
   */
  default boolean checksummed() {
    return false;
  }

  /**
   * Takes charge of an open device. The state of the device is left as it is.
   *
   * @param device stays the caller's, who closes it after the result
   * @throws MigrationException {@code NOT_MIGRATABLE} if the device lacks what the driver needs
   */
  V1Device attach(HostDevice device) throws MigrationException;
}
