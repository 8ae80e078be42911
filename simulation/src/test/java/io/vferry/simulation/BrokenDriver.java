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
import java.util.function.UnaryOperator;

/** The simulator's driver, except for a mistake that its devices make. */
@SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)
final class BrokenDriver implements MigrationDriver {

  private final SimMigrationDriver real = new SimMigrationDriver();
  private final UnaryOperator<MigratableDevice> mistake;

  private BrokenDriver(UnaryOperator<MigratableDevice> mistake) {
    this.mistake = mistake;
  }

  /** Starts devices fully when they are only to accept P2P, and says that they do no more. */
  static BrokenDriver startingEagerly() {
    return new BrokenDriver(EagerStart::new);
  }

  /**
   * Hides that its devices can quiesce, and stops and starts them in one go. With devices that talk
   * to each other this is the mistake that the two phases of a switchover are there for.
   */
  static BrokenDriver ignoringQuiescence() {
    return new BrokenDriver(NoQuiescence::new);
  }

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
    return mistake.apply(real.attach(device));
  }

  /** A device that makes no mistake yet. */
  private abstract static class Device implements MigratableDevice {

    final MigratableDevice real;

    Device(MigratableDevice real) {
      this.real = real;
    }

    @Override
    public FeatureSet features() {
      return real.features();
    }

    @Override
    public DeviceState state() throws MigrationException {
      return real.state();
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

  private static final class EagerStart extends Device {

    private boolean pretending;

    EagerStart(MigratableDevice real) {
      super(real);
    }

    @Override
    public DeviceState state() throws MigrationException {
      return pretending ? DeviceState.RUNNING_P2P : super.state();
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
  }

  private static final class NoQuiescence extends Device {

    NoQuiescence(MigratableDevice real) {
      super(real);
    }

    @Override
    public FeatureSet features() {
      return FeatureSet.STOP_COPY;
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
  }
}
