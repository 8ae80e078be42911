package io.vferry.compat.v1;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;

/**
 * Carries a write of {@code device_state} out on a v2 device.
 *
 * <p>A device without pre-copy has a soft one: v1 demands that each device accepts it, so the
 * device goes on running, this remembers it, and there is nothing to read. After a failure a v1
 * client expects the old state, which v2 does not promise; it is restored where that loses no data.
 */
final class V1StateWriter {

  /** Is told of the streams that come and go. */
  interface Sessions {
    void begin(ArcOutcome outcome);

    void end();
  }

  private final MigratableDevice device;
  private final WaitLimit limit;
  private final Sessions sessions;
  private volatile boolean softPreCopy;

  V1StateWriter(MigratableDevice device, WaitLimit limit, Sessions sessions) {
    this.device = device;
    this.limit = limit;
    this.sessions = sessions;
  }

  /** Returns what a v1 client reads. Any thread. */
  V1State state() throws MigrationException {
    DeviceState real = device.state();
    if (softPreCopy && V1State.of(real) == V1State.RUNNING) {
      return V1State.PRE_COPY;
    }
    return V1State.of(real);
  }

  /** Forgets what was only in memory, after a reset. */
  void reset() {
    softPreCopy = false;
  }

  void write(int value) throws MigrationException {
    V1State target =
        V1State.ofBits(value)
            .filter(V1State::settable)
            .orElseThrow(
                () ->
                    V1Errno.invalid(
                        "device_state %d is written, which is no state that can be asked for"
                            .formatted(value & V1State.MASK)));
    V1State before = state();
    if (before == V1State.ERROR) {
      throw V1Errno.invalid("the device is in its error state, which only a reset leaves")
          .withState(DeviceState.ERROR);
    }
    if (before == V1State.STOP_COPY && target == V1State.PRE_COPY) {
      throw V1Errno.invalid("a stopped save session cannot go back to pre-copy");
    }
    boolean soft = target == V1State.PRE_COPY && !device.features().preCopy();
    // Also from a state to itself: a failure may have left the device quiescent, which looks alike.
    move(device.state(), soft ? DeviceState.RUNNING : target.deviceState());
    softPreCopy = soft;
  }

  private void move(DeviceState from, DeviceState to) throws MigrationException {
    Transition transition = TransitionTable.of(device.features()).transition(from, to);
    if (transition instanceof Transition.Refused refused) {
      throw V1Errno.invalid("%s cannot become %s: %s".formatted(from, to, refused.reason()));
    }
    boolean sessionEnded = false;
    for (Arc arc : ((Transition.Path) transition).arcs()) {
      try {
        perform(arc);
      } catch (MigrationException failure) {
        undo(from, sessionEnded, failure);
        throw V1Errno.numbered(failure);
      }
      sessionEnded |= arc.endsStream();
    }
  }

  private void perform(Arc arc) throws MigrationException {
    ArcOutcome outcome = limit.interrupting("the arc " + arc, () -> device.perform(arc));
    if (arc.endsStream()) {
      sessions.end();
    }
    if (arc.opensSaveStream() != outcome instanceof ArcOutcome.Saving
        || arc.opensLoadStream() != outcome instanceof ArcOutcome.Loading) {
      throw new MigrationException(
          DeviceError.DRIVER_BROKEN, "the driver gave " + outcome + " for the arc " + arc);
    }
    sessions.begin(outcome);
  }

  /**
   * Tries once to bring back the state from before. Not if a session has ended on the way: it would
   * come back empty, and the client would take it for the old one.
   */
  private void undo(DeviceState from, boolean sessionEnded, MigrationException failure) {
    try {
      DeviceState now = device.state();
      if (now == DeviceState.ERROR || now == from || sessionEnded) {
        if (now == DeviceState.ERROR) {
          sessions.end();
        }
        return;
      }
      Transition back = TransitionTable.of(device.features()).transition(now, from);
      if (back instanceof Transition.Path path) {
        for (Arc arc : path.arcs()) {
          perform(arc);
        }
      }
    } catch (MigrationException second) {
      failure.addSuppressed(second);
    }
  }
}
