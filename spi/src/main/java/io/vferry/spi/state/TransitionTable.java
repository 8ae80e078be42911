package io.vferry.spi.state;

import static io.vferry.spi.state.DeviceState.ERROR;
import static io.vferry.spi.state.DeviceState.PRE_COPY;
import static io.vferry.spi.state.DeviceState.PRE_COPY_P2P;
import static io.vferry.spi.state.DeviceState.RESUMING;
import static io.vferry.spi.state.DeviceState.RUNNING;
import static io.vferry.spi.state.DeviceState.RUNNING_P2P;
import static io.vferry.spi.state.DeviceState.STOP;
import static io.vferry.spi.state.DeviceState.STOP_COPY;

import java.util.ArrayList;
import java.util.List;

/**
 * The one place where the path from a state to another is computed.
 *
 * <p>It gives what {@code vfio_mig_get_next_state} of Linux 6.12 ({@code drivers/vfio/vfio_main.c})
 * gives: the shortest path, on which a saving state is an interior node only between saving states;
 * optional states that the device lacks are stepped over inside a path and refused at its ends.
 */
public final class TransitionTable {

  private final FeatureSet features;

  private TransitionTable(FeatureSet features) {
    this.features = features;
  }

  /** Returns the table for devices with these features. */
  public static TransitionTable of(FeatureSet features) {
    return new TransitionTable(features);
  }

  /** Returns the path between two states, or why there is none. */
  public Transition transition(DeviceState from, DeviceState to) {
    if (from == ERROR) {
      return new Transition.Refused("a device in ERROR leaves it only by reset");
    }
    if (to == ERROR) {
      return new Transition.Refused("ERROR cannot be requested");
    }
    if (!features.supports(from)) {
      return new Transition.Refused("a device with " + features + " is never in " + from);
    }
    if (!features.supports(to)) {
      return new Transition.Refused("a device with " + features + " has no state " + to);
    }
    if (from == STOP_COPY && (to == PRE_COPY || to == PRE_COPY_P2P)) {
      return new Transition.Refused("a save stream that has stopped cannot go back to pre-copy");
    }
    List<Arc> arcs = new ArrayList<>(4);
    for (DeviceState at = from; at != to; ) {
      DeviceState next = supportedStep(at, to);
      arcs.add(Arc.between(at, next).orElseThrow());
      at = next;
    }
    return new Transition.Path(arcs);
  }

  /** Steps over states that the device lacks, as if it passed through them. */
  private DeviceState supportedStep(DeviceState at, DeviceState to) {
    DeviceState next = step(at, to);
    while (!features.supports(next)) {
      next = step(next, to);
    }
    return next;
  }

  /** The next state on the way for a device with all features; every target but ERROR is legal. */
  private static DeviceState step(DeviceState at, DeviceState to) {
    return switch (at) {
      case STOP ->
          switch (to) {
            case STOP_COPY, RESUMING -> to;
            default -> RUNNING_P2P;
          };
      case RUNNING -> to == PRE_COPY ? PRE_COPY : RUNNING_P2P;
      case RUNNING_P2P ->
          switch (to) {
            case RUNNING, PRE_COPY -> RUNNING;
            case PRE_COPY_P2P -> PRE_COPY_P2P;
            default -> STOP;
          };
      case PRE_COPY ->
          switch (to) {
            case PRE_COPY_P2P, STOP_COPY -> PRE_COPY_P2P;
            default -> RUNNING;
          };
      case PRE_COPY_P2P ->
          switch (to) {
            case PRE_COPY, STOP_COPY -> to;
            default -> RUNNING_P2P;
          };
      case STOP_COPY, RESUMING -> STOP;
      case ERROR -> throw new IllegalArgumentException("no step leads out of ERROR");
    };
  }
}
