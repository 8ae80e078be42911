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

/**
 * Hides that its devices can quiesce, and stops and starts them in one go. With devices that talk
 * to each other this is the mistake that the two phases of a switchover are there for.
 */
@SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)
final class QuiescenceIgnoringDriver implements MigrationDriver {

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

  private record Device(MigratableDevice real) implements MigratableDevice {

    @Override
    public FeatureSet features() {
      return FeatureSet.STOP_COPY;
    }

    @Override
    public DeviceState state() throws MigrationException {
      return real.state();
    }

    @Override
    public ArcOutcome perform(Arc arc) throws MigrationException {
      return switch (arc) {
        case RUNNING_TO_STOP -> {
          real.perform(Arc.RUNNING_TO_RUNNING_P2P);
          yield real.perform(Arc.RUNNING_P2P_TO_STOP);
        }
        case STOP_TO_RUNNING -> {
          real.perform(Arc.STOP_TO_RUNNING_P2P);
          yield real.perform(Arc.RUNNING_P2P_TO_RUNNING);
        }
        default -> real.perform(arc);
      };
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
