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
import io.vferry.spi.host.SharedParts;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A virtual function of an accelerator.
 *
 * <p>The hardware has no register for its state, so the state is kept here; what it has instead is
 * a register image that nothing changes while it is stopped, by which a reset behind our back
 * shows.
 */
final class HisiAccDevice
    implements MigratableDevice, PrecopyProgress, StopCopyEstimate, GuestRegions {

  private static final FeatureSet FEATURES = FeatureSet.STOP_COPY_PRE_COPY;

  private final HostDevice host;
  private final HisiAccFunction function;
  private final HisiAccRestart restart;
  private final HisiAccDrain drain;
  private final HisiAccSnapshot snapshot;
  private final HisiAccRestore restore;
  private final HisiAccCompatibility compatibility;
  private final Map<Integer, Long> limitsBytes;
  private final SharedParts.Lease<?> lease;
  private final Object lock = new Object();
  private volatile DeviceState state = DeviceState.RUNNING;
  private volatile boolean inArc;
  private @Nullable HisiAccQueues queues;
  private volatile @Nullable Stopped stopped;
  private volatile @Nullable HisiAccSaveStream saving;
  private volatile @Nullable HisiAccLoadStream loading;

  /** Where the event queue is in memory while the device is stopped. */
  private record Stopped(long ringAddress, int ends) {
    static Stopped of(int[] eqc) {
      return new Stopped(HisiAccState.ringAddress(eqc), eqc[0]);
    }
  }

  HisiAccDevice(
      HostDevice host, HisiAccFunction function, long barBytes, SharedParts.Lease<?> lease) {
    this.lease = lease;
    this.host = host;
    this.function = function;
    this.restart = new HisiAccRestart(function);
    this.drain = new HisiAccDrain(function, restart);
    this.snapshot = new HisiAccSnapshot(function);
    this.restore = new HisiAccRestore(function);
    this.compatibility = new HisiAccCompatibility(function);
    this.limitsBytes = function.inPf() ? Map.of() : Map.of(HisiAccNumbers.QM_BAR, barBytes / 2);
  }

  @Override
  public FeatureSet features() {
    return FEATURES;
  }

  @Override
  public DeviceState state() throws MigrationException {
    Stopped before = stopped;
    DeviceState now = state;
    if (before == null
        || inArc
        || before.ringAddress() == 0
        || (now != DeviceState.STOP && now != DeviceState.STOP_COPY)) {
      return now;
    }
    int[] eqc = function.vf().readEqc();
    if (eqc[0] == -1 && eqc[1] == -1) {
      throw new MigrationException(
          DeviceError.DEVICE_LOST,
          "the migration registers of " + function.name() + " read all ones");
    }
    if (HisiAccState.ringAddress(eqc) == before.ringAddress()) {
      return now;
    }
    synchronized (lock) {
      // Only if nobody moved the device while it was asked.
      if (stopped == before && state == now && !inArc) {
        forget(DeviceState.RUNNING);
      }
      return state;
    }
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
    synchronized (lock) {
      inArc = true;
      function.vf().beginArc();
    }
    try {
      ArcOutcome outcome = work(arc);
      synchronized (lock) {
        if (function.vf().wasReset()) {
          close(outcome);
          throw wasReset();
        }
        state = arc.to();
        if (arc.endsStream()) {
          endStreams();
        }
      }
      return outcome;
    } catch (MigrationException e) {
      throw told(e, arc);
    } finally {
      inArc = false;
    }
  }

  private MigrationException wasReset() {
    return new MigrationException(
        DeviceError.ARC_FAILED, function.name() + " was reset in the middle of the arc");
  }

  /** Says in which state a failed arc leaves the device, and what can be done with it. */
  private MigrationException told(MigrationException failure, Arc arc) {
    synchronized (lock) {
      if (function.vf().wasReset()) {
        // What an arc under way put down after the reset is of no use.
        queues = null;
        stopped = null;
        endStreams();
        MigrationException reset = wasReset().withArc(arc).withState(state);
        reset.addSuppressed(failure);
        return reset.withCondition(
            state == DeviceState.ERROR ? DeviceCondition.NEEDS_RESET : DeviceCondition.USABLE);
      }
    }
    MigrationException told = failure.withArc(arc).withState(state);
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

  private ArcOutcome work(Arc arc) throws MigrationException {
    return switch (arc) {
      case RUNNING_TO_PRE_COPY -> {
        HisiAccSaveStream stream = new HisiAccSaveStream(function.name(), function.match(0));
        saving = stream;
        yield new ArcOutcome.Saving(stream);
      }
      case PRE_COPY_TO_RUNNING, STOP_COPY_TO_STOP -> ArcOutcome.done();
      case PRE_COPY_TO_STOP_COPY -> {
        HisiAccQueues found = stop();
        try {
          openSave().complete(snapshot.take());
        } catch (MigrationException e) {
          // The arc starts in a running state, so that is where a failure must leave the device.
          stopped = null;
          throw drain.undone(e, found);
        }
        yield ArcOutcome.done();
      }
      case RUNNING_TO_STOP -> {
        stop();
        yield ArcOutcome.done();
      }
      case STOP_TO_STOP_COPY -> {
        requireUnchanged();
        HisiAccSnapshot.Image image = snapshot.take();
        HisiAccSaveStream stream = new HisiAccSaveStream(function.name(), image.match());
        stream.complete(image);
        saving = stream;
        yield new ArcOutcome.Saving(stream);
      }
      case STOP_TO_RESUMING -> {
        HisiAccLoadStream stream = new HisiAccLoadStream(function.name(), asDestination());
        loading = stream;
        yield new ArcOutcome.Loading(stream);
      }
      case RESUMING_TO_STOP -> {
        load();
        yield ArcOutcome.done();
      }
      case STOP_TO_RUNNING -> {
        HisiAccQueues found = queues;
        restart.start(found == null ? function.queues() : found);
        stopped = null;
        yield ArcOutcome.done();
      }
      case RUNNING_P2P_TO_STOP,
          RUNNING_P2P_TO_RUNNING,
          RUNNING_TO_RUNNING_P2P,
          STOP_TO_RUNNING_P2P,
          RUNNING_P2P_TO_PRE_COPY_P2P,
          PRE_COPY_P2P_TO_RUNNING_P2P,
          PRE_COPY_TO_PRE_COPY_P2P,
          PRE_COPY_P2P_TO_PRE_COPY,
          PRE_COPY_P2P_TO_STOP_COPY ->
          throw new MigrationException(
              DeviceError.ARC_UNSUPPORTED, function.name() + " has no P2P state");
    };
  }

  private HisiAccQueues stop() throws MigrationException {
    HisiAccQueues found = function.queues();
    drain.stop(found);
    queues = found;
    stopped = Stopped.of(function.vf().readEqc());
    return found;
  }

  /** A device that goes on after it said it had stopped is found out, if it tells of events. */
  private void requireUnchanged() throws MigrationException {
    Stopped before = stopped;
    if (before != null && !before.equals(Stopped.of(function.vf().readEqc()))) {
      throw new MigrationException(
          DeviceError.ARC_FAILED,
          function.name()
              + " changed after it had stopped: it had work under way, which is not in memory");
    }
  }

  private HisiAccSaveStream openSave() throws MigrationException {
    HisiAccSaveStream stream = saving;
    if (stream == null) {
      throw new MigrationException(
          DeviceError.SESSION_CLOSED, "the save session of " + function.name() + " has ended");
    }
    return stream;
  }

  /**
   * Returns what this device says of itself as a destination: the number of queues comes from the
   * function's own mailbox, which only a stopped guest leaves to us, and the physical function must
   * agree.
   */
  private HisiAccMatch asDestination() throws MigrationException {
    HisiAccQueues own =
        HisiAccQueues.decode(function.mailbox().get(HisiAccNumbers.COMMAND_VFT), function.number());
    HisiAccMatch match = function.match(1);
    if (own.count() != match.queueCount() || own.first() != match.firstQueue()) {
      throw new MigrationException(
          DeviceError.ARC_FAILED,
          ("%s says it has %d queues from %d, its physical function says %d from %d for function"
                  + " %d; one of them is another device's")
              .formatted(
                  function.name(),
                  own.count(),
                  own.first(),
                  match.queueCount(),
                  match.firstQueue(),
                  function.number()));
    }
    return match;
  }

  private void load() throws MigrationException {
    HisiAccLoadStream stream = loading;
    if (stream == null) {
      throw new MigrationException(
          DeviceError.SESSION_CLOSED, "the load session of " + function.name() + " has ended");
    }
    stream.proveWhole();
    ByteBuffer image = stream.whole(asDestination());
    boolean ready = image.remaining() == HisiAccStreamFormat.STATE_BYTES;
    if (!ready) {
      leaveNotReady();
      return;
    }
    HisiAccState loaded = HisiAccState.read(image);
    if (!loaded.complete()) {
      leaveNotReady();
      return;
    }
    restore.load(HisiAccMatch.read(image), loaded);
    stopped = Stopped.of(loaded.eqc());
  }

  /** The guest has no driver: what an earlier guest left in the function is not its own. */
  private void leaveNotReady() throws MigrationException {
    if ((function.vf().read(HisiAccVfRegister.VF_STATE) & 1) == 0) {
      function.vf().write(HisiAccVfRegister.VF_STATE, 1);
    }
    stopped = null;
  }

  @Override
  public void reset() throws MigrationException {
    boolean discard = function.pf().version() >= HisiAccNumbers.QM_V5;
    DeviceState reached = DeviceState.ERROR;
    try {
      function.vf().beginReset();
      if (discard) {
        function.vf().discardDoorbells(true);
      }
      host.reset();
      reached = DeviceState.RUNNING;
      if (discard) {
        function.vf().discardDoorbells(false);
      }
    } finally {
      synchronized (lock) {
        forget(reached);
      }
    }
  }

  /** Under the lock. */
  private void forget(DeviceState reached) {
    state = reached;
    queues = null;
    stopped = null;
    endStreams();
  }

  private void endStreams() {
    HisiAccSaveStream save = saving;
    if (save != null) {
      save.close();
    }
    HisiAccLoadStream load = loading;
    if (load != null) {
      load.end();
    }
    saving = null;
    loading = null;
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
    HisiAccSaveStream stream = saving;
    if (state != DeviceState.PRE_COPY || stream == null) {
      throw new MigrationException(
              DeviceError.WRONG_STATE,
              "pre-copy progress of " + function.name() + " outside pre-copy")
          .withState(state);
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
    synchronized (lock) {
      endStreams();
    }
    lease.close();
  }
}
