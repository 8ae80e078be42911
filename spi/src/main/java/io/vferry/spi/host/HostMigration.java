package io.vferry.spi.host;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Migration as the host offers it for a device, that is {@code VFIO_DEVICE_FEATURE_MIGRATION} of
 * the kernel or of a vfio-user server. Found by {@link HostDevice#capability}.
 *
 * <p>One thread at a time.
 */
public interface HostMigration {

  /** Returns what the device can do. */
  FeatureSet features();

  /**
   * Asks the device for its state; nothing is remembered from earlier.
   *
   * @throws MigrationException {@code IO_FAILED} if it cannot be asked, or answers with a number
   *     this version does not know
   */
  DeviceState state() throws MigrationException;

  /**
   * Moves the device, over as many arcs as the host finds necessary.
   *
   * @return the data of the session that the last arc opened, if it opened one
   * @throws MigrationException {@code ARC_UNSUPPORTED} if the host refuses the target from the
   *     present state; {@code ARC_FAILED} with the state that was read back afterwards, which can
   *     be any state on the way
   */
  Optional<MigrationData> setState(DeviceState target) throws MigrationException;

  /**
   * Estimates how many bytes a stop-copy will take.
   *
   * @return 0 or more; empty if the device cannot tell
   * @throws MigrationException {@code IO_FAILED}
   */
  OptionalLong stopCopyBytes() throws MigrationException;
}
