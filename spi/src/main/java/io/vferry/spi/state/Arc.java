package io.vferry.spi.state;

import static io.vferry.spi.state.DeviceState.PRE_COPY;
import static io.vferry.spi.state.DeviceState.PRE_COPY_P2P;
import static io.vferry.spi.state.DeviceState.RESUMING;
import static io.vferry.spi.state.DeviceState.RUNNING;
import static io.vferry.spi.state.DeviceState.RUNNING_P2P;
import static io.vferry.spi.state.DeviceState.STOP;
import static io.vferry.spi.state.DeviceState.STOP_COPY;

import java.util.Optional;

/**
 * One base transition: the unit of work a driver implements. Every other change of state is a path
 * of arcs, computed by {@link TransitionTable}.
 *
 * <p>Source of the effects: the state machine description of Linux 6.12, {@code
 * include/uapi/linux/vfio.h}.
 */
public enum Arc {
  /** Fully stop; answers to config space and MSI-X table accesses must keep working. */
  RUNNING_P2P_TO_STOP(RUNNING_P2P, STOP),
  /** Fully stop a device that has no P2P state. */
  RUNNING_TO_STOP(RUNNING, STOP),
  /** Become fully operational. */
  RUNNING_P2P_TO_RUNNING(RUNNING_P2P, RUNNING),
  /** Become fully operational; for a device that has no P2P state. */
  STOP_TO_RUNNING(STOP, RUNNING),
  /** Start no new DMA to other devices and finish what is under way before the arc returns. */
  RUNNING_TO_RUNNING_P2P(RUNNING, RUNNING_P2P),
  /** Operate, accept DMA from other devices, start none. */
  STOP_TO_RUNNING_P2P(STOP, RUNNING_P2P),
  /** Open a save stream and track changes; operation is not disturbed. */
  RUNNING_TO_PRE_COPY(RUNNING, PRE_COPY),
  /** Open a save stream while P2P-quiescent. */
  RUNNING_P2P_TO_PRE_COPY_P2P(RUNNING_P2P, PRE_COPY_P2P),
  /** End the save stream without having stopped. */
  PRE_COPY_TO_RUNNING(PRE_COPY, RUNNING),
  /** End the save stream and stay P2P-quiescent. */
  PRE_COPY_P2P_TO_RUNNING_P2P(PRE_COPY_P2P, RUNNING_P2P),
  /** Become P2P-quiescent; the save stream goes on. */
  PRE_COPY_TO_PRE_COPY_P2P(PRE_COPY, PRE_COPY_P2P),
  /** Start P2P again; the save stream goes on. */
  PRE_COPY_P2P_TO_PRE_COPY(PRE_COPY_P2P, PRE_COPY),
  /** Stop; the same save stream goes on and from now on has an end. */
  PRE_COPY_P2P_TO_STOP_COPY(PRE_COPY_P2P, STOP_COPY),
  /** As {@link #PRE_COPY_P2P_TO_STOP_COPY}, for a device that has no P2P state. */
  PRE_COPY_TO_STOP_COPY(PRE_COPY, STOP_COPY),
  /** Open a save stream over the state of the stopped device. */
  STOP_TO_STOP_COPY(STOP, STOP_COPY),
  /** End the save stream, read to its end or not. */
  STOP_COPY_TO_STOP(STOP_COPY, STOP),
  /** Open a load stream; the internal state may be reset. */
  STOP_TO_RESUMING(STOP, RESUMING),
  /** End the load stream and prove what was loaded; fails on data that are not whole. */
  RESUMING_TO_STOP(RESUMING, STOP);

  private final DeviceState from;
  private final DeviceState to;

  Arc(DeviceState from, DeviceState to) {
    this.from = from;
    this.to = to;
  }

  /** Returns the state in which this arc starts. */
  public DeviceState from() {
    return from;
  }

  /** Returns the state in which this arc ends if it succeeds. */
  public DeviceState to() {
    return to;
  }

  /** Whether this arc opens a new save stream. */
  public boolean opensSaveStream() {
    return to.saving() && !from.saving();
  }

  /** Whether this arc opens a new load stream. */
  public boolean opensLoadStream() {
    return to == RESUMING;
  }

  /** Whether this arc ends the save or load stream that is open in {@link #from()}. */
  public boolean endsStream() {
    return from == RESUMING || (from.saving() && !to.saving());
  }

  /** Returns the arc between two states, or empty if there is no base transition. */
  public static Optional<Arc> between(DeviceState from, DeviceState to) {
    for (Arc arc : values()) {
      if (arc.from == from && arc.to == to) {
        return Optional.of(arc);
      }
    }
    return Optional.empty();
  }

  /** Prints the arc as users see it, {@code RUNNING -> RUNNING_P2P}. */
  @Override
  public String toString() {
    return from + " -> " + to;
  }
}
