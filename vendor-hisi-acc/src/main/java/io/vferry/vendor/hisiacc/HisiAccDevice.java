package io.vferry.vendor.hisiacc;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.driver.GuestRegions;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A virtual function of an accelerator.
 *
 * <p>The hardware has no register for its state, so {@link HisiAccLife} keeps it. A reset behind
 * our back shows in the host's count of resets, and where the host has none, or did not do it, in
 * the event queue that it clears.
 */
final class HisiAccDevice
    implements MigratableDevice, PrecopyProgress, StopCopyEstimate, GuestRegions {

  private static final FeatureSet FEATURES = FeatureSet.STOP_COPY_PRE_COPY;

  private final HostDevice host;
  private final HisiAccFunction function;
  private final HisiAccFence fence;
  private final HisiAccLeases leases;
  private final HisiAccLife life;
  private final HisiAccArcs arcs;
  private final HisiAccReset reset;
  private final HisiAccCompatibility compatibility;
  private final Map<Integer, Long> limitsBytes;

  HisiAccDevice(
      HostDevice host,
      HisiAccFunction function,
      HisiAccFence fence,
      long barBytes,
      HisiAccLeases leases) {
    this.host = host;
    this.function = function;
    this.fence = fence;
    this.leases = leases;
    this.life = leases.life();
    this.arcs = new HisiAccArcs(function, life, fence);
    this.reset = new HisiAccReset(function, host, leases.share());
    this.compatibility = new HisiAccCompatibility(function);
    this.limitsBytes = function.inPf() ? Map.of() : Map.of(HisiAccNumbers.QM_BAR, barBytes / 2);
  }

  @Override
  public FeatureSet features() {
    return FEATURES;
  }

  @Override
  public DeviceState state() throws MigrationException {
    HisiAccLife.Known seen = life.known();
    if (!seen.inArc() && seen.state() != DeviceState.RUNNING && wasReset(seen)) {
      life.resetSince(seen, fence.resets());
      return life.known().state();
    }
    return seen.state();
  }

  /** Whether the function was reset past the drivers. */
  private boolean wasReset(HisiAccLife.Known seen) throws MigrationException {
    if (fence.resets() != seen.resets()) {
      return true;
    }
    HisiAccTrace trace = seen.trace();
    if (trace == null || trace.ringAddress() == 0) {
      return false;
    }
    int[] eqc = function.vf().readEqc();
    if (eqc[0] == -1 && eqc[1] == -1) {
      throw new MigrationException(
          DeviceError.DEVICE_LOST,
          "the migration registers of " + function.name() + " read all ones");
    }
    long ringAddress = HisiAccState.ringAddress(eqc);
    // While it runs, a guest may load its driver anew and so move the ring; that is no reset.
    return seen.state() == DeviceState.PRE_COPY
        ? ringAddress == 0
        : ringAddress != trace.ringAddress();
  }

  @Override
  public ArcOutcome perform(Arc arc) throws MigrationException {
    if (!FEATURES.supports(arc)) {
      throw new MigrationException(
              DeviceError.ARC_UNSUPPORTED, function.name() + " has only the features " + FEATURES)
          .withArc(arc)
          .withState(state());
    }
    DeviceState now = state();
    if (now != arc.from()) {
      throw new MigrationException(
              DeviceError.WRONG_STATE, function.name() + " is not in " + arc.from())
          .withArc(arc)
          .withState(now);
    }
    fence.beginArc();
    life.inArc(true);
    try {
      HisiAccArcs.Reached reached = arcs.perform(arc, life.known(), this::state);
      arrive(arc, reached);
      return reached.outcome();
    } catch (MigrationException e) {
      throw told(e, arc);
    } finally {
      life.inArc(false);
    }
  }

  private void arrive(Arc arc, HisiAccArcs.Reached reached) throws MigrationException {
    synchronized (life) {
      if (fence.broken()) {
        close(reached.outcome());
        throw wasReset();
      }
      if (arc.endsStream()) {
        life.endStreams();
      }
      if (reached.outcome() instanceof ArcOutcome.Saving opened) {
        life.opened((HisiAccSaveStream) opened.stream(), this);
      } else if (reached.outcome() instanceof ArcOutcome.Loading opened) {
        life.opened((HisiAccLoadStream) opened.stream(), this);
      }
      life.reached(arc.to(), fence.resetsAtStart(), reached.trace(), reached.queues());
    }
  }

  private MigrationException wasReset() {
    return new MigrationException(
        DeviceError.ARC_FAILED, function.name() + " was reset in the middle of the arc");
  }

  /** Says in which state a failed arc leaves the device, and what can be done with it. */
  private MigrationException told(MigrationException failure, Arc arc) {
    if (fence.broken()) {
      synchronized (life) {
        if (fence.resets() != fence.resetsAtStart()) {
          life.reset(DeviceState.RUNNING, fence.resets());
        } else {
          // The reset is under way in another thread, which will say how it ended.
          life.endStreams();
        }
      }
      DeviceState state = life.known().state();
      MigrationException reset = wasReset().withArc(arc).withState(state);
      reset.addSuppressed(failure);
      return reset.withCondition(
          state == DeviceState.ERROR ? DeviceCondition.NEEDS_RESET : DeviceCondition.USABLE);
    }
    MigrationException told = failure.withArc(arc).withState(life.known().state());
    return failure.condition() == DeviceCondition.UNKNOWN
        ? told.withCondition(
            arc == Arc.RESUMING_TO_STOP ? DeviceCondition.NEEDS_RESET : DeviceCondition.USABLE)
        : told;
  }

  private static void close(ArcOutcome outcome) {
    if (outcome instanceof ArcOutcome.Saving opened) {
      opened.stream().close();
    } else if (outcome instanceof ArcOutcome.Loading opened) {
      opened.stream().close();
    }
  }

  @Override
  public void reset() throws MigrationException {
    DeviceState reached = DeviceState.ERROR;
    fence.beginReset();
    try {
      reset.run();
      reached = DeviceState.RUNNING;
    } finally {
      life.reset(reached, fence.resets());
    }
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    if (type == PrecopyProgress.class
        || type == StopCopyEstimate.class
        || type == GuestRegions.class) {
      return Optional.of(type.cast(this));
    }
    if (type == Compatibility.class) {
      return Optional.of(type.cast(compatibility));
    }
    // The accelerator has no log of its own; the host's IOMMU may have one.
    return type == DmaLog.class ? host.capability(type) : Optional.empty();
  }

  @Override
  public Remaining remaining() throws MigrationException {
    HisiAccSaveStream stream = life.saving();
    if (state() != DeviceState.PRE_COPY || stream == null) {
      throw new MigrationException(
              DeviceError.WRONG_STATE,
              "pre-copy progress of " + function.name() + " outside pre-copy")
          .withState(life.known().state());
    }
    return new Remaining(stream.initialBytes(), 0, false);
  }

  @Override
  public OptionalLong stopCopyBytes() {
    return OptionalLong.of(HisiAccStreamFormat.STATE_BYTES);
  }

  @Override
  public Map<Integer, Long> limitsBytes() {
    return limitsBytes;
  }

  @Override
  public void close() throws MigrationException {
    life.endStreamsOf(this);
    leases.close();
  }
}
