package io.vferry.vendor.hisiacc;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** What each arc does to the hardware, and what undoes it. */
final class HisiAccArcs {

  /**
   * Where an arc has led.
   *
   * @param trace of the event queue now; null if the guest may change it
   * @param queues that were found when the function was stopped
   */
  record Reached(
      ArcOutcome outcome, @Nullable HisiAccTrace trace, @Nullable HisiAccQueues queues) {}

  private final HisiAccFunction function;
  private final HisiAccLife life;
  private final HisiAccFence fence;
  private final HisiAccRestart restart;
  private final HisiAccDrain drain;
  private final HisiAccSnapshot snapshot;
  private final HisiAccRestore restore;

  HisiAccArcs(HisiAccFunction function, HisiAccLife life, HisiAccFence fence) {
    this.function = function;
    this.life = life;
    this.fence = fence;
    HisiAccEvents events = new HisiAccEvents(function);
    this.restart = new HisiAccRestart(function, events);
    this.drain = new HisiAccDrain(function, events, restart);
    this.snapshot = new HisiAccSnapshot(function);
    this.restore = new HisiAccRestore(function);
  }

  /**
   * Performs an arc.
   *
   * @param before what is known of the function
   * @param session looks whether the session of a stream that is opened goes on
   */
  Reached perform(Arc arc, HisiAccLife.Known before, HisiAccSession session)
      throws MigrationException {
    return switch (arc) {
      case RUNNING_TO_PRE_COPY ->
          new Reached(
              new ArcOutcome.Saving(
                  new HisiAccSaveStream(function.name(), function.match(0), session)),
              trace(),
              null);
      case PRE_COPY_TO_RUNNING -> new Reached(ArcOutcome.done(), null, null);
      case RUNNING_TO_STOP -> {
        HisiAccQueues queues = function.queues();
        yield new Reached(ArcOutcome.done(), drain.stop(queues), queues);
      }
      case PRE_COPY_TO_STOP_COPY -> {
        HisiAccQueues queues = function.queues();
        HisiAccTrace trace = drain.stop(queues);
        try {
          saving().complete(snapshot.take());
        } catch (MigrationException e) {
          // The arc starts in a running state, so that is where a failure must leave the device.
          throw drain.undone(e, queues);
        }
        yield new Reached(ArcOutcome.done(), trace, queues);
      }
      case STOP_TO_STOP_COPY -> {
        requireUnchanged(before.trace());
        HisiAccSnapshot.Image image = snapshot.take();
        HisiAccSaveStream stream = new HisiAccSaveStream(function.name(), image.match(), session);
        stream.complete(image);
        yield new Reached(new ArcOutcome.Saving(stream), before.trace(), before.queues());
      }
      case STOP_COPY_TO_STOP -> new Reached(ArcOutcome.done(), before.trace(), before.queues());
      case STOP_TO_RESUMING ->
          new Reached(
              new ArcOutcome.Loading(
                  new HisiAccLoadStream(function.name(), asDestination(), session)),
              before.trace(),
              before.queues());
      case RESUMING_TO_STOP -> {
        load();
        yield new Reached(ArcOutcome.done(), trace(), before.queues());
      }
      case STOP_TO_RUNNING -> {
        start(before.queues());
        yield new Reached(ArcOutcome.done(), null, null);
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

  private HisiAccTrace trace() throws MigrationException {
    return HisiAccTrace.of(function.vf().readEqc());
  }

  /** A device that goes on after it said it had stopped is found out, if it tells of events. */
  private void requireUnchanged(@Nullable HisiAccTrace before) throws MigrationException {
    if (before != null && !before.equals(trace())) {
      throw new MigrationException(
          DeviceError.ARC_FAILED,
          function.name()
              + " changed after it had stopped: it had work under way, which is not in memory");
    }
  }

  private HisiAccSaveStream saving() throws MigrationException {
    HisiAccSaveStream stream = life.saving();
    if (stream == null) {
      throw new MigrationException(
          DeviceError.SESSION_CLOSED, "the save session of " + function.name() + " has ended");
    }
    return stream;
  }

  /** Starts the function; if that fails it is paused again, so that it is where it was. */
  private void start(@Nullable HisiAccQueues known) throws MigrationException {
    HisiAccQueues queues = known == null ? function.queues() : known;
    try {
      restart.start(queues);
    } catch (MigrationException e) {
      if (fence.broken()) {
        throw e;
      }
      try {
        life.reached(DeviceState.STOP, fence.resetsAtStart(), drain.stop(queues), queues);
      } catch (MigrationException again) {
        e.addSuppressed(again);
        life.reset(DeviceState.ERROR, fence.resetsAtStart());
        throw new MigrationException(
                e.code(), e.detail() + "; it may have started in part, and cannot be paused", e)
            .withCondition(DeviceCondition.NEEDS_RESET);
      }
      throw e;
    }
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
    HisiAccLoadStream stream = life.loading();
    if (stream == null) {
      throw new MigrationException(
          DeviceError.SESSION_CLOSED, "the load session of " + function.name() + " has ended");
    }
    stream.proveWhole();
    ByteBuffer image = stream.whole(asDestination());
    if (image.remaining() == HisiAccStreamFormat.STATE_BYTES) {
      HisiAccState loaded = HisiAccState.read(image);
      if (loaded.complete()) {
        restore.load(HisiAccMatch.read(image), loaded);
        return;
      }
    }
    leaveNotReady();
  }

  /** The guest has no driver: what an earlier guest left in the function is not its own. */
  private void leaveNotReady() throws MigrationException {
    if (function.guestReady()) {
      function.vf().write(HisiAccVfRegister.VF_STATE, 1);
    }
  }
}
