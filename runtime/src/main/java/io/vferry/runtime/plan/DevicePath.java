package io.vferry.runtime.plan;

import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;
import java.util.ArrayList;
import java.util.List;

/**
 * The way of one device through a migration on one side.
 *
 * @param legs what it does in each stage, in order; stages in which it does nothing are left out
 */
public record DevicePath(List<Leg> legs) {

  /**
   * What a device does in one stage.
   *
   * @param arcs at least one
   */
  public record Leg(Stage stage, List<Arc> arcs) {
    public Leg {
      arcs = List.copyOf(arcs);
    }
  }

  public DevicePath {
    legs = List.copyOf(legs);
  }

  /** Returns the way of a source device with these features: from RUNNING to STOP_COPY. */
  public static DevicePath source(FeatureSet features) {
    Walk walk = new Walk(features, DeviceState.RUNNING);
    if (features.preCopy()) {
      walk.to(Stage.PRECOPY, DeviceState.PRE_COPY);
    }
    if (features.p2p()) {
      walk.to(
          Stage.QUIESCE, features.preCopy() ? DeviceState.PRE_COPY_P2P : DeviceState.RUNNING_P2P);
    }
    // In pre-copy there is no way to stop without ending the stream but into stop-copy.
    walk.to(Stage.STOP, features.preCopy() ? DeviceState.STOP_COPY : DeviceState.STOP);
    walk.to(Stage.STOP_COPY, DeviceState.STOP_COPY);
    return walk.path();
  }

  /** Returns the way of a destination device with these features: from RUNNING to RUNNING. */
  public static DevicePath destination(FeatureSet features) {
    Walk walk = new Walk(features, DeviceState.RUNNING);
    walk.to(Stage.PREPARE, DeviceState.RESUMING);
    walk.to(Stage.VERIFY, DeviceState.STOP);
    if (features.p2p()) {
      walk.to(Stage.ACCEPT, DeviceState.RUNNING_P2P);
    }
    walk.to(Stage.RUN, DeviceState.RUNNING);
    return walk.path();
  }

  /** Returns all arcs, in order. */
  public List<Arc> arcs() {
    return legs.stream().flatMap(leg -> leg.arcs().stream()).toList();
  }

  /** Returns the states from the first to the last; empty for an empty path. */
  public List<DeviceState> states() {
    List<DeviceState> states = new ArrayList<>();
    for (Arc arc : arcs()) {
      if (states.isEmpty()) {
        states.add(arc.from());
      }
      states.add(arc.to());
    }
    return List.copyOf(states);
  }

  /** Prints the states as users see them, {@code RUNNING -> STOP -> STOP_COPY}. */
  @Override
  public String toString() {
    return String.join(" -> ", states().stream().map(DeviceState::name).toList());
  }

  private static final class Walk {

    private final TransitionTable table;
    private final List<Leg> legs = new ArrayList<>();
    private DeviceState at;

    Walk(FeatureSet features, DeviceState start) {
      this.table = TransitionTable.of(features);
      this.at = start;
    }

    void to(Stage stage, DeviceState target) {
      Transition transition = table.transition(at, target);
      if (!(transition instanceof Transition.Path path)) {
        throw new IllegalStateException(at + " to " + target + ": " + transition);
      }
      if (!path.arcs().isEmpty()) {
        legs.add(new Leg(stage, path.arcs()));
      }
      at = target;
    }

    DevicePath path() {
      return new DevicePath(legs);
    }
  }
}
