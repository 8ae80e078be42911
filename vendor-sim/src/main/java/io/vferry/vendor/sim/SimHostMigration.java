package io.vferry.vendor.sim;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.MigrationData;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The simulated device behind the interface of a kernel whose driver migrates it: walks whole
 * paths, stops at the first arc that fails, and does not tell "nothing now" from "nothing any
 * more".
 */
final class SimHostMigration implements HostMigration {

  private final SimMigratableDevice device;

  SimHostMigration(SimMigratableDevice device) {
    this.device = device;
  }

  @Override
  public FeatureSet features() {
    return device.features();
  }

  @Override
  public DeviceState state() throws MigrationException {
    return device.state();
  }

  @Override
  public Optional<MigrationData> setState(DeviceState target) throws MigrationException {
    DeviceState from = device.state();
    Transition transition = TransitionTable.of(device.features()).transition(from, target);
    if (transition instanceof Transition.Path path) {
      Optional<MigrationData> data = Optional.empty();
      for (Arc arc : path.arcs()) {
        data = perform(arc);
      }
      return data;
    }
    throw new MigrationException(
            DeviceError.ARC_UNSUPPORTED,
            "the host refuses to move the device from %s to %s: %s"
                .formatted(from, target, ((Transition.Refused) transition).reason()))
        .withErrno(22)
        .withState(from);
  }

  private Optional<MigrationData> perform(Arc arc) throws MigrationException {
    try {
      ArcOutcome outcome = device.perform(arc);
      if (outcome instanceof ArcOutcome.Saving saving) {
        return Optional.of(new SavingData(saving.stream()));
      }
      if (outcome instanceof ArcOutcome.Loading loading) {
        return Optional.of(new LoadingData(loading.stream()));
      }
      return Optional.empty();
    } catch (MigrationException e) {
      throw new MigrationException(DeviceError.ARC_FAILED, e.detail(), e)
          .withArc(arc)
          .withErrno(e.code() == DeviceError.INTERRUPTED ? 4 : 22)
          .withState(device.state());
    }
  }

  @Override
  public OptionalLong stopCopyBytes() throws MigrationException {
    return device.stopCopyBytes();
  }

  void close() {
    device.close();
  }

  private final class SavingData implements MigrationData {

    private final SaveStream stream;

    SavingData(SaveStream stream) {
      this.stream = stream;
    }

    @Override
    public int read(ByteBuffer into) throws MigrationException {
      int before = into.remaining();
      return switch (stream.read(into)) {
        case DATA -> before - into.remaining();
        case NOTHING_NOW, END -> 0;
      };
    }

    @Override
    public int write(ByteBuffer from) throws MigrationException {
      throw wrongDirection("written");
    }

    @Override
    public Precopy precopy() throws MigrationException {
      PrecopyProgress.Remaining remaining = device.remaining();
      return new Precopy(
          remaining.initialBytes(), remaining.dirtyBytes(), remaining.reinitialised());
    }

    @Override
    public void close() {
      stream.close();
    }
  }

  private static final class LoadingData implements MigrationData {

    private final LoadStream stream;

    LoadingData(LoadStream stream) {
      this.stream = stream;
    }

    @Override
    public int read(ByteBuffer into) throws MigrationException {
      throw wrongDirection("read");
    }

    @Override
    public int write(ByteBuffer from) throws MigrationException {
      int before = from.remaining();
      stream.write(from);
      return before - from.remaining();
    }

    @Override
    public Precopy precopy() throws MigrationException {
      throw wrongDirection("asked for pre-copy");
    }

    @Override
    public void close() {
      stream.close();
    }
  }

  private static MigrationException wrongDirection(String what) {
    return new MigrationException(
        DeviceError.BAD_REQUEST, "migration data of this direction cannot be " + what);
  }
}
