package io.vferry.vendor.mlx5;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.MigrationData;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A virtual function that the kernel's {@code mlx5_vfio_pci} moves. The kernel performs the arcs;
 * this adds what it leaves out: it looks into each stream, and refuses to leave RESUMING with a
 * truncated or empty one, which the kernel drops in silence.
 */
final class Mlx5KernelDevice implements MigratableDevice, PrecopyProgress, StopCopyEstimate {

  private final HostDevice host;
  private final HostMigration migration;
  private final String name;
  private final FeatureSet features;
  private final Compatibility compatibility;

  /** Held while the kernel is asked or told something, so that the state can be told meanwhile. */
  private final ReentrantLock busy = new ReentrantLock();

  private volatile DeviceState lastKnown;
  private @Nullable KernelSaveStream saving;
  private @Nullable KernelLoadStream loading;

  Mlx5KernelDevice(HostDevice host, HostMigration migration, Compatibility compatibility)
      throws MigrationException {
    this.host = host;
    this.migration = migration;
    this.name = "device " + host.info().address();
    this.features = migration.features();
    this.compatibility = compatibility;
    this.lastKnown = migration.state();
  }

  @Override
  public FeatureSet features() {
    return features;
  }

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
    return in(migration.state());
  }

  /** Takes note of where the device is, and ends the streams that cannot be there. */
  private DeviceState in(DeviceState now) {
    lastKnown = now;
    if (saving != null) {
      saving.deviceIn(now);
      saving = now.saving() ? saving : null;
    }
    if (loading != null && now != DeviceState.RESUMING) {
      loading.close();
      loading = null;
    }
    return now;
  }

  @Override
  public ArcOutcome perform(Arc arc) throws MigrationException {
    if (!features.supports(arc)) {
      throw new MigrationException(
              DeviceError.ARC_UNSUPPORTED, "%s has no arc %s".formatted(name, arc))
          .withArc(arc);
    }
    busy.lock();
    try {
      DeviceState now = ask();
      if (now != arc.from()) {
        throw failure(
            new MigrationException(
                DeviceError.WRONG_STATE, "%s is not in %s".formatted(name, arc.from())),
            arc,
            now);
      }
      if (arc == Arc.RESUMING_TO_STOP) {
        proveLoaded(arc);
      }
      Optional<MigrationData> data;
      try {
        data = migration.setState(arc.to());
      } catch (MigrationException e) {
        throw failure(e, arc, ask());
      }
      return moved(arc, data);
    } finally {
      busy.unlock();
    }
  }

  private void proveLoaded(Arc arc) throws MigrationException {
    KernelLoadStream stream = loading;
    if (stream == null) {
      throw failure(
          new MigrationException(
              DeviceError.SESSION_CLOSED, name + " has no load session of this driver"),
          arc,
          arc.from());
    }
    try {
      stream.proveWhole();
    } catch (MigrationException e) {
      throw failure(e, arc, arc.from());
    }
  }

  private static MigrationException failure(MigrationException e, Arc arc, DeviceState now) {
    boolean stuck =
        now == DeviceState.ERROR
            || (now == arc.from() && (arc.endsStream() || now == DeviceState.RESUMING));
    return e.withArc(arc)
        .withState(now)
        .withCondition(stuck ? DeviceCondition.NEEDS_RESET : DeviceCondition.USABLE);
  }

  private ArcOutcome moved(Arc arc, Optional<MigrationData> data) throws MigrationException {
    boolean opens = arc.opensSaveStream() || arc.opensLoadStream();
    if (opens == data.isEmpty()) {
      data.ifPresent(MigrationData::close);
      throw failure(
              new MigrationException(
                  DeviceError.ARC_FAILED,
                  "%s went to %s, but the kernel %s"
                      .formatted(
                          name, arc.to(), opens ? "gave no data stream" : "gave a stream unasked")),
              arc,
              ask())
          .withCondition(DeviceCondition.NEEDS_RESET);
    }
    // Not asked again: a question that fails would belie the arc, which has happened.
    in(arc.to());
    if (arc.opensSaveStream()) {
      KernelSaveStream stream = new KernelSaveStream(name, data.get(), arc.to());
      saving = stream;
      return new ArcOutcome.Saving(stream);
    }
    if (arc.opensLoadStream()) {
      KernelLoadStream stream = new KernelLoadStream(name, data.get());
      loading = stream;
      return new ArcOutcome.Loading(stream);
    }
    return ArcOutcome.done();
  }

  @Override
  public void reset() throws MigrationException {
    busy.lock();
    try {
      host.reset();
      endStreams();
      DeviceState now = ask();
      if (now != DeviceState.RUNNING) {
        throw new MigrationException(DeviceError.RESET_FAILED, name + " was reset, does not run")
            .withState(now)
            .withCondition(DeviceCondition.LOST);
      }
    } finally {
      busy.unlock();
    }
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
      return Optional.of(type.cast(compatibility));
    }
    return type == DmaLog.class ? host.capability(type) : Optional.empty();
  }

  @Override
  public Remaining remaining() throws MigrationException {
    busy.lock();
    try {
      KernelSaveStream stream = saving;
      if (stream == null || !ask().running()) {
        throw new MigrationException(DeviceError.WRONG_STATE, name + " is not in pre-copy")
            .withState(lastKnown)
            .withCondition(DeviceCondition.USABLE);
      }
      MigrationData.Precopy left = stream.precopy();
      return new Remaining(
          clamp(left.initialBytes()), clamp(left.dirtyBytes()), left.reinitialised());
    } finally {
      busy.unlock();
    }
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

  /** Sizes are unsigned in the kernel; no real one needs the last bit. */
  private static long clamp(long unsigned) {
    return unsigned < 0 ? Long.MAX_VALUE : unsigned;
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
