package io.vferry.vendor.mlx5;

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
import io.vferry.spi.host.ResetCount;
import io.vferry.spi.host.SharedParts;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.vendor.mlx5.command.Side;
import io.vferry.vendor.mlx5.queue.CommandException;
import io.vferry.vendor.mlx5.queue.PhysicalFunction;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A virtual function, moved by commands on the queue of its physical one. Which commands an arc
 * takes: Linux 6.12, {@code drivers/vfio/pci/mlx5/main.c}, {@code
 * mlx5vf_pci_step_device_state_locked}.
 *
 * <p>Unlike there, an arc that failed half-way leaves the device in ERROR: the firmware has no
 * command that asks what is suspended.
 */
final class Mlx5Device implements MigratableDevice, PrecopyProgress, StopCopyEstimate {

  private final HostDevice host;
  private final String name;
  private final SharedParts.Lease<PhysicalFunction> function;
  private final int functionId;
  private final Optional<ResetCount> resets;
  private final Compatibility compatibility;
  private final @Nullable Mlx5DmaLog log;

  /** Held in each method that sends commands; not needed to learn the state. */
  private final ReentrantLock busy = new ReentrantLock();

  private volatile Vhca vhca;
  private volatile DeviceState state = DeviceState.RUNNING;
  private volatile long resetsSeen;
  private volatile @Nullable SaveSession saving;
  private volatile @Nullable LoadSession loading;
  private boolean closed;

  Mlx5Device(
      HostDevice host,
      SharedParts.Lease<PhysicalFunction> function,
      VhcaLookup.Found found,
      Compatibility compatibility) {
    this.host = host;
    this.name = "device " + host.info().address();
    this.function = function;
    this.functionId = found.functionId();
    this.vhca = found.vhca();
    this.compatibility = compatibility;
    this.resets = host.capability(ResetCount.class);
    this.resetsSeen = resetCount();
    this.log =
        found.tracking().isPresent()
            ? new Mlx5DmaLog(name, vhca, found.tracking().get(), this::resetCount)
            : null;
  }

  private long resetCount() {
    return resets.map(ResetCount::resets).orElse(0L);
  }

  @Override
  public FeatureSet features() {
    return FeatureSet.STOP_COPY_P2P_PRE_COPY;
  }

  @Override
  public DeviceState state() throws MigrationException {
    try {
      vhca.queue().checkUnlessBusy();
    } catch (CommandException e) {
      throw lost(e);
    }
    return resetCount() == resetsSeen ? state : DeviceState.RUNNING;
  }

  private MigrationException lost(CommandException e) {
    return e.toMigration(name, DeviceError.DEVICE_LOST).withCondition(DeviceCondition.NEEDS_RESET);
  }

  @Override
  public ArcOutcome perform(Arc arc) throws MigrationException {
    if (!features().supports(arc)) {
      throw new MigrationException(
              DeviceError.ARC_UNSUPPORTED, "%s has no arc %s".formatted(name, arc))
          .withArc(arc);
    }
    busy.lock();
    try {
      noticeReset();
      DeviceState now = state();
      if (now != arc.from()) {
        throw new MigrationException(
                DeviceError.WRONG_STATE, "%s is not in %s".formatted(name, arc.from()))
            .withArc(arc)
            .withState(now)
            .withCondition(
                now == DeviceState.ERROR ? DeviceCondition.NEEDS_RESET : DeviceCondition.USABLE);
      }
      return move(arc);
    } finally {
      busy.unlock();
    }
  }

  private ArcOutcome move(Arc arc) throws MigrationException {
    ArcSteps steps = new ArcSteps();
    try {
      ArcOutcome outcome = walk(arc, steps);
      state = arc.to();
      return outcome;
    } catch (CommandException e) {
      boolean untouched = !steps.changed() && e.unchanged();
      throw failed(arc, e.toMigration(name, DeviceError.ARC_FAILED), untouched);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failed(
          arc,
          new MigrationException(DeviceError.INTERRUPTED, name + " was interrupted in an arc", e),
          !steps.changed());
    }
  }

  private MigrationException failed(Arc arc, MigrationException e, boolean untouched) {
    if (!untouched) {
      state = DeviceState.ERROR;
      endSessions();
    }
    return e.withArc(arc)
        .withState(state)
        .withCondition(untouched ? DeviceCondition.USABLE : DeviceCondition.NEEDS_RESET);
  }

  private ArcOutcome walk(Arc arc, ArcSteps steps)
      throws CommandException, InterruptedException, MigrationException {
    Vhca port = vhca;
    switch (arc) {
      case RUNNING_TO_RUNNING_P2P -> port.suspend(Side.INITIATOR);
      case RUNNING_P2P_TO_RUNNING -> port.resume(Side.INITIATOR);
      case RUNNING_P2P_TO_STOP -> port.suspend(Side.RESPONDER);
      case STOP_TO_RUNNING_P2P -> port.resume(Side.RESPONDER);
      case PRE_COPY_TO_PRE_COPY_P2P -> {
        session(saving, arc).settle();
        port.suspend(Side.INITIATOR);
      }
      case PRE_COPY_P2P_TO_PRE_COPY -> {
        // The kernel does not wait here; a firmware that calls the function busy is no worse off.
        session(saving, arc).settle();
        port.resume(Side.INITIATOR);
      }
      case STOP_TO_STOP_COPY -> {
        return save(port, SaveSession.Phase.STOP_COPY);
      }
      case RUNNING_TO_PRE_COPY, RUNNING_P2P_TO_PRE_COPY_P2P -> {
        return save(port, SaveSession.Phase.PRE_COPY);
      }
      case PRE_COPY_P2P_TO_STOP_COPY -> stop(session(saving, arc), port, steps);
      case PRE_COPY_TO_RUNNING, PRE_COPY_P2P_TO_RUNNING_P2P -> {
        SaveSession session = session(saving, arc);
        session.cancel(steps);
        // From here on nothing remains to go back to.
        steps.begin();
        session.end();
        saving = null;
      }
      case STOP_COPY_TO_STOP -> {
        session(saving, arc).end();
        saving = null;
      }
      case STOP_TO_RESUMING -> {
        LoadSession session = LoadSession.begin(name, port, resetSince());
        loading = session;
        return new ArcOutcome.Loading(session);
      }
      case RESUMING_TO_STOP -> {
        proveLoaded(session(loading, arc), arc);
        loading = null;
      }
      case RUNNING_TO_STOP, STOP_TO_RUNNING, PRE_COPY_TO_STOP_COPY ->
          throw new MigrationException(DeviceError.ARC_UNSUPPORTED, name + " has no arc " + arc);
    }
    return ArcOutcome.done();
  }

  private ArcOutcome save(Vhca port, SaveSession.Phase phase) throws CommandException {
    SaveSession session = SaveSession.begin(name, port, resetSince(), phase);
    saving = session;
    return new ArcOutcome.Saving(session);
  }

  private BooleanSupplier resetSince() {
    long before = resetCount();
    return () -> resetCount() != before;
  }

  private <T> T session(@Nullable T known, Arc arc) throws MigrationException {
    if (known == null) {
      throw new MigrationException(
              DeviceError.SESSION_CLOSED,
              "%s has no session of this driver in %s".formatted(name, arc.from()))
          .withArc(arc)
          .withState(state)
          .withCondition(DeviceCondition.NEEDS_RESET);
    }
    return known;
  }

  private void stop(SaveSession session, Vhca port, ArcSteps steps)
      throws CommandException, InterruptedException, MigrationException {
    session.settle();
    CommandException obstacle = session.obstacle();
    if (obstacle != null) {
      // Nothing was sent yet, so the state stays true; but this session leads nowhere.
      throw obstacle
          .toMigration(name + " cannot be saved", DeviceError.ARC_FAILED)
          .withArc(Arc.PRE_COPY_P2P_TO_STOP_COPY)
          .withState(state)
          .withCondition(DeviceCondition.USABLE);
    }
    port.suspend(Side.RESPONDER);
    steps.begin();
    session.finish();
  }

  private void proveLoaded(LoadSession session, Arc arc) throws MigrationException {
    try {
      session.proveWhole();
    } catch (MigrationException e) {
      throw e.withArc(arc).withState(state).withCondition(DeviceCondition.NEEDS_RESET);
    }
    session.end();
  }

  /** Applies what a reset behind the driver's back did: the device runs and has no session. */
  private void noticeReset() {
    long now = resetCount();
    if (now != resetsSeen) {
      endSessions();
      state = DeviceState.RUNNING;
      resetsSeen = now;
    }
  }

  private void endSessions() {
    SaveSession out = saving;
    if (out != null) {
      saving = null;
      out.end();
    }
    LoadSession in = loading;
    if (in != null) {
      loading = null;
      in.end();
    }
  }

  @Override
  public void reset() throws MigrationException {
    busy.lock();
    try {
      Vhca before = vhca;
      try {
        boolean revived = function.part().session() != function.part().revive();
        host.reset();
        endSessions();
        if (log != null) {
          log.deviceWasReset();
        }
        if (revived || before.session() != function.part().session()) {
          vhca = VhcaLookup.find(host, function.part().session(), functionId).vhca();
          if (log != null) {
            log.movedTo(vhca);
          }
        }
        resetsSeen = resetCount();
        state = DeviceState.RUNNING;
      } catch (CommandException e) {
        throw resetFailed(e.toMigration(name, DeviceError.RESET_FAILED));
      } catch (MigrationException e) {
        throw resetFailed(e);
      }
    } finally {
      busy.unlock();
    }
  }

  private MigrationException resetFailed(MigrationException e) {
    endSessions();
    state = DeviceState.ERROR;
    return new MigrationException(
            DeviceError.RESET_FAILED, name + " could not be reset: " + e.detail(), e)
        .withState(DeviceState.ERROR)
        .withCondition(DeviceCondition.LOST);
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    if (type == PrecopyProgress.class || type == StopCopyEstimate.class) {
      return Optional.of(type.cast(this));
    }
    if (type == Compatibility.class) {
      return Optional.of(type.cast(compatibility));
    }
    if (type == DmaLog.class) {
      return Optional.ofNullable(log).map(type::cast);
    }
    return Optional.empty();
  }

  @Override
  public Remaining remaining() throws MigrationException {
    SaveSession session = saving;
    DeviceState now = state();
    if (session == null || !(now == DeviceState.PRE_COPY || now == DeviceState.PRE_COPY_P2P)) {
      throw new MigrationException(DeviceError.WRONG_STATE, name + " is not in pre-copy")
          .withState(now)
          .withCondition(DeviceCondition.USABLE);
    }
    busy.lock();
    try {
      return session.remaining(now == DeviceState.PRE_COPY_P2P);
    } catch (CommandException e) {
      throw e.toMigration(name, DeviceError.IO_FAILED);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MigrationException(
          DeviceError.INTERRUPTED, "asking what is left of " + name + " was interrupted", e);
    } finally {
      busy.unlock();
    }
  }

  @Override
  public OptionalLong stopCopyBytes() throws MigrationException {
    SaveSession session = saving;
    OptionalLong known = session == null ? OptionalLong.empty() : session.stopCopyBytes();
    if (known.isPresent()) {
      return known;
    }
    Vhca port = vhca;
    try {
      return OptionalLong.of(port.sizeBytes(port.query(false, port.chunks())));
    } catch (CommandException e) {
      throw e.toMigration(name, DeviceError.IO_FAILED);
    }
  }

  @Override
  public void close() throws MigrationException {
    busy.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      endSessions();
      MigrationException failure = null;
      if (log != null) {
        failure = quietly(log::stop);
      }
      try {
        vhca.session().disable(functionId);
      } catch (CommandException e) {
        if (e.fate() != CommandException.Fate.LOST) {
          failure = e.toMigration(name, DeviceError.IO_FAILED);
        }
      }
      MigrationException ending = quietly(function::close);
      failure = failure == null ? ending : failure;
      if (failure != null) {
        throw closing(failure);
      }
    } finally {
      busy.unlock();
    }
  }

  private interface Step {
    void run() throws MigrationException;
  }

  private static @Nullable MigrationException quietly(Step step) {
    try {
      step.run();
      return null;
    } catch (MigrationException e) {
      return e;
    }
  }

  private MigrationException closing(MigrationException e) {
    ErrorCode code = DeviceError.IO_FAILED;
    return new MigrationException(code, name + " was not let go cleanly: " + e.detail(), e);
  }
}
