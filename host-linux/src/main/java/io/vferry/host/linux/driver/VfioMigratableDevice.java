package io.vferry.host.linux.driver;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.ErrorCode;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.MigrationData;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A device that its host migrates.
 *
 * <p>The host would walk whole paths in one call; it is asked for single arcs, so that whoever
 * drives the device knows after each of them where it is.
 */
final class VfioMigratableDevice implements MigratableDevice, StopCopyEstimate, PrecopyProgress {

  /** The error numbers of Linux with which drivers refuse loaded data when RESUMING is left. */
  private static final int EFAULT = 14;

  private static final int EINVAL = 22;
  private static final int EPROTO = 71;
  private static final int EBADMSG = 74;
  private static final int EILSEQ = 84;
  private static final int EOPNOTSUPP = 95;

  private final HostDevice device;
  private final HostMigration migration;
  private final FeatureSet features;
  private final TransitionTable table;

  /** Held while the host is asked or told something, so that {@link #state()} need not wait. */
  private final ReentrantLock busy = new ReentrantLock();

  /** Where the device was when it was last asked or moved. */
  private volatile DeviceState lastKnown;

  private @Nullable VfioSaveStream saving;
  private @Nullable VfioLoadStream loading;

  VfioMigratableDevice(HostDevice device, HostMigration migration) throws MigrationException {
    this.device = device;
    this.migration = migration;
    this.features = migration.features();
    this.table = TransitionTable.of(features);
    this.lastKnown = migration.state();
  }

  @Override
  public FeatureSet features() {
    return features;
  }

  /** While an arc is under way the device is where the arc starts; else the device is asked. */
  @Override
  public DeviceState state() throws MigrationException {
    if (!busy.tryLock()) {
      return lastKnown;
    }
    try {
      return ask();
    } finally {
      busy.unlock();
    }
  }

  private DeviceState ask() throws MigrationException {
    DeviceState now = migration.state();
    lastKnown = now;
    return now;
  }

  @Override
  public ArcOutcome perform(Arc arc) throws MigrationException {
    if (!(table.transition(arc.from(), arc.to()) instanceof Transition.Path path)
        || !path.arcs().equals(List.of(arc))) {
      throw new MigrationException(
              DeviceError.ARC_UNSUPPORTED,
              "%s has no arc %s: it has %s".formatted(name(), arc, features))
          .withArc(arc);
    }
    busy.lock();
    try {
      DeviceState before = ask();
      if (before != arc.from()) {
        throw new MigrationException(
                DeviceError.WRONG_STATE, "%s is not in %s".formatted(name(), arc.from()))
            .withArc(arc)
            .withState(before)
            .withCondition(
                before == DeviceState.ERROR ? DeviceCondition.NEEDS_RESET : DeviceCondition.USABLE);
      }
      if (arc == Arc.RESUMING_TO_STOP) {
        checkLoaded(arc);
      }
      Optional<MigrationData> data;
      try {
        data = migration.setState(arc.to());
      } catch (MigrationException e) {
        throw failed(arc, e);
      }
      return moved(arc, data);
    } finally {
      busy.unlock();
    }
  }

  /**
   * Refuses to leave RESUMING by the front door when the data are known to be bad: not every host
   * remembers that it refused a write (Linux 6.12, {@code samples/vfio-mdev/mtty.c}).
   */
  private void checkLoaded(Arc arc) throws MigrationException {
    MigrationException refusal = loading == null ? null : loading.refusal();
    if (refusal != null) {
      throw new MigrationException(
              refusal.code(),
              "%s did not take all data: %s".formatted(name(), refusal.detail()),
              refusal)
          .withArc(arc)
          .withState(arc.from())
          .withCondition(DeviceCondition.NEEDS_RESET);
    }
  }

  private MigrationException failed(Arc arc, MigrationException e) {
    MigrationException failure =
        new MigrationException(codeOf(arc, e), e.detail(), e)
            .withArc(arc)
            .withCondition(DeviceCondition.UNKNOWN);
    if (e.errno().isPresent()) {
      failure = failure.withErrno(e.errno().getAsInt());
    }
    return readBack(arc, failure);
  }

  /** Adds where the device really is. */
  private MigrationException readBack(Arc arc, MigrationException failure) {
    DeviceState now;
    try {
      now = ask();
    } catch (MigrationException unknown) {
      failure.addSuppressed(unknown);
      return failure;
    }
    settle(now);
    return failure.withState(now).withCondition(condition(arc, now));
  }

  /** A load session is aborted only by reset; a device that stayed elsewhere can be tried again. */
  private static DeviceCondition condition(Arc arc, DeviceState now) {
    if (now == DeviceState.ERROR || now == DeviceState.RESUMING) {
      return DeviceCondition.NEEDS_RESET;
    }
    // A session that should have ended and did not may be dead already: to end it again is unsafe.
    return arc.endsStream() && now == arc.from()
        ? DeviceCondition.NEEDS_RESET
        : DeviceCondition.USABLE;
  }

  private static ErrorCode codeOf(Arc arc, MigrationException e) {
    if (arc != Arc.RESUMING_TO_STOP || e.code() != DeviceError.ARC_FAILED) {
      return e.code();
    }
    if (e.errno().isEmpty()) {
      return DeviceError.DATA_CORRUPT;
    }
    return switch (e.errno().getAsInt()) {
      case EFAULT, EINVAL, EPROTO, EBADMSG, EILSEQ -> DeviceError.DATA_CORRUPT;
      case EOPNOTSUPP -> DeviceError.DATA_INCOMPATIBLE;
      default -> DeviceError.ARC_FAILED;
    };
  }

  private ArcOutcome moved(Arc arc, Optional<MigrationData> data) throws MigrationException {
    boolean opens = arc.opensSaveStream() || arc.opensLoadStream();
    if (opens == data.isEmpty()) {
      data.ifPresent(MigrationData::close);
      throw sessionLost(arc);
    }
    settle(arc.to());
    if (arc.opensSaveStream()) {
      VfioSaveStream stream = new VfioSaveStream(name(), data.get(), arc.to());
      saving = stream;
      return new ArcOutcome.Saving(stream);
    }
    if (arc.opensLoadStream()) {
      VfioLoadStream stream = new VfioLoadStream(name(), data.get());
      loading = stream;
      return new ArcOutcome.Loading(stream);
    }
    return ArcOutcome.done();
  }

  /** The state changed, but without the stream it is of no use: back, if there is a way back. */
  private MigrationException sessionLost(Arc arc) {
    MigrationException failure =
        new MigrationException(
                DeviceError.ARC_FAILED,
                "%s went to %s, but the host %s"
                    .formatted(
                        name(),
                        arc.to(),
                        arc.opensSaveStream() || arc.opensLoadStream()
                            ? "gave no data stream for it"
                            : "opened a data stream that nobody asked for"))
            .withArc(arc);
    if (arc.opensSaveStream()) {
      try {
        migration.setState(arc.from()).ifPresent(MigrationData::close);
      } catch (MigrationException e) {
        failure.addSuppressed(e);
      }
    }
    failure = readBack(arc, failure);
    return failure.state().filter(now -> now == arc.from()).isPresent()
        ? failure
        : failure.withCondition(DeviceCondition.NEEDS_RESET);
  }

  /** Brings the streams in line with the state in which the device is now. */
  private void settle(DeviceState now) {
    lastKnown = now;
    if (saving != null) {
      saving.deviceIn(now);
      if (!now.saving()) {
        saving = null;
      }
    }
    if (loading != null && now != DeviceState.RESUMING) {
      loading.close();
      loading = null;
    }
  }

  @Override
  public void reset() throws MigrationException {
    busy.lock();
    try {
      MigrationException failure = null;
      try {
        device.reset();
        // Some hosts reset the device and leave its state alone.
        DeviceState now = ask();
        if (now != DeviceState.RUNNING && now != DeviceState.ERROR) {
          migration.setState(DeviceState.RUNNING).ifPresent(MigrationData::close);
        }
      } catch (MigrationException e) {
        failure = e;
      }
      endStreams();
      DeviceState now = ask();
      if (now != DeviceState.RUNNING || failure != null) {
        throw resetFailed(now, failure);
      }
    } finally {
      busy.unlock();
    }
  }

  private MigrationException resetFailed(DeviceState now, @Nullable MigrationException cause) {
    String sentence =
        cause == null
            ? "%s was reset but does not run".formatted(name())
            : "%s could not be reset: %s".formatted(name(), cause.detail());
    MigrationException failure =
        cause == null
            ? new MigrationException(DeviceError.RESET_FAILED, sentence)
            : new MigrationException(DeviceError.RESET_FAILED, sentence, cause);
    if (cause != null && cause.errno().isPresent()) {
      failure = failure.withErrno(cause.errno().getAsInt());
    }
    return failure.withState(now).withCondition(DeviceCondition.LOST);
  }

  private void endStreams() {
    if (saving != null) {
      saving.close();
      saving = null;
    }
    if (loading != null) {
      loading.close();
      loading = null;
    }
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    if (type == StopCopyEstimate.class || (type == PrecopyProgress.class && features.preCopy())) {
      return Optional.of(type.cast(this));
    }
    if (type == Compatibility.class) {
      return Optional.of(type.cast(new VfioCompatibility(device.info())));
    }
    if (type == DmaLog.class) {
      return device.capability(type);
    }
    return Optional.empty();
  }

  @Override
  public OptionalLong stopCopyBytes() throws MigrationException {
    busy.lock();
    try {
      OptionalLong bytes = migration.stopCopyBytes();
      return bytes.isPresent() ? OptionalLong.of(clamp(bytes.getAsLong())) : bytes;
    } finally {
      busy.unlock();
    }
  }

  @Override
  public Remaining remaining() throws MigrationException {
    busy.lock();
    try {
      if (saving == null || !saving.inPrecopy()) {
        throw new MigrationException(
                DeviceError.WRONG_STATE, "%s is not in pre-copy".formatted(name()))
            .withState(lastKnown)
            .withCondition(DeviceCondition.USABLE);
      }
      MigrationData.Precopy left = saving.precopy();
      return new Remaining(
          clamp(left.initialBytes()), clamp(left.dirtyBytes()), left.reinitialised());
    } finally {
      busy.unlock();
    }
  }

  /** Sizes are unsigned in the kernel; no real one needs the last bit. */
  private static long clamp(long unsigned) {
    return unsigned < 0 ? Long.MAX_VALUE : unsigned;
  }

  private String name() {
    return "device " + device.info().address();
  }

  @Override
  public void close() {
    busy.lock();
    try {
      endStreams();
    } finally {
      busy.unlock();
    }
  }
}
