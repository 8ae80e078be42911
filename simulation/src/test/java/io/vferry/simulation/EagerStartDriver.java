package io.vferry.simulation;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.driver.SpiLevel;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.vendor.sim.SimMigrationDriver;
import java.util.Optional;

/** Starts devices fully when they are only to accept P2P, and says that they do no more. */
@SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)
final class EagerStartDriver implements MigrationDriver {

  private final SimMigrationDriver real = new SimMigrationDriver();

  @Override
  public DriverInfo info() {
    return real.info();
  }

  @Override
  public DriverMatch match(HostDeviceInfo device) {
    return real.match(device);
  }

  @Override
  public MigratableDevice attach(HostDevice device) throws MigrationException {
    return new Device(real.attach(device));
  }

  private static final class Device implements MigratableDevice {

    private final MigratableDevice real;
    private boolean pretending;

    Device(MigratableDevice real) {
      this.real = real;
    }

    @Override
    public FeatureSet features() {
      return real.features();
    }

    @Override
    public DeviceState state() throws MigrationException {
      return pretending ? DeviceState.RUNNING_P2P : real.state();
    }

    @Override
    public ArcOutcome perform(Arc arc) throws MigrationException {
      if (arc == Arc.STOP_TO_RUNNING_P2P) {
        real.perform(arc);
        pretending = true;
        return real.perform(Arc.RUNNING_P2P_TO_RUNNING);
      }
      if (pretending && arc == Arc.RUNNING_P2P_TO_RUNNING) {
        pretending = false;
        return ArcOutcome.done();
      }
      return real.perform(arc);
    }

    @Override
    public void reset() throws MigrationException {
      real.reset();
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
}
