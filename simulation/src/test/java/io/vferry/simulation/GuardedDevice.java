package io.vferry.simulation;

import io.vferry.spi.access.AccessGuard;
import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.util.Optional;

/** Tells a guard where a device is, as the runtime does. */
record GuardedDevice(MigratableDevice real, AccessGuard guard) implements MigratableDevice {

  @Override
  public FeatureSet features() {
    return real.features();
  }

  @Override
  public DeviceState state() throws MigrationException {
    return real.state();
  }

  @Override
  public ArcOutcome perform(Arc arc) throws MigrationException {
    guard.moving(arc);
    try {
      return real.perform(arc);
    } finally {
      guard.at(real.state());
    }
  }

  @Override
  public void reset() throws MigrationException {
    real.reset();
    guard.at(DeviceState.RUNNING);
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    return real.capability(type);
  }

  @Override
  public void close() throws MigrationException {
    real.close();
  }
}
