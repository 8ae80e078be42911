package io.vferry.runtime.migration;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;
import java.util.Optional;

/** One device as a role sees it: where it is, where it shall go, what it is doing. */
final class TrackedDevice {

  /** What a device is doing. */
  enum Activity {
    IDLE,
    IN_ARC,
    RESETTING,
    LOST
  }

  private final int number;
  private final String id;
  private final FeatureSet features;
  private final TransitionTable table;
  private DeviceState state = DeviceState.RUNNING;
  private DeviceState target = DeviceState.RUNNING;
  private Activity activity = Activity.IDLE;

  TrackedDevice(int number, RoleDevice device) {
    this.number = number;
    this.id = device.id();
    this.features = device.features();
    this.table = TransitionTable.of(device.features());
  }

  int number() {
    return number;
  }

  String id() {
    return id;
  }

  FeatureSet features() {
    return features;
  }

  DeviceState state() {
    return state;
  }

  Activity activity() {
    return activity;
  }

  /** Whether it has arrived and does nothing. A lost device never moves again and counts. */
  boolean settled() {
    return activity == Activity.LOST || (activity == Activity.IDLE && state == target);
  }

  void aim(DeviceState goal) {
    target = goal;
  }

  /** Forgets where it was to go; an arc under way still ends. */
  void hold() {
    target = activity == Activity.IN_ARC ? target : state;
  }

  /** Returns the next arc towards the target, and takes it for begun. */
  Optional<Arc> begin() {
    if (activity != Activity.IDLE || state == target) {
      return Optional.empty();
    }
    Transition transition = table.transition(state, target);
    if (transition instanceof Transition.Path path) {
      activity = Activity.IN_ARC;
      return Optional.of(path.arcs().get(0));
    }
    throw new IllegalStateException(
        "device " + id + ": " + ((Transition.Refused) transition).reason());
  }

  void arrived(DeviceState at) {
    state = at;
    activity = Activity.IDLE;
  }

  void resetting() {
    activity = Activity.RESETTING;
  }

  void lost() {
    activity = Activity.LOST;
    state = DeviceState.ERROR;
  }

  /**
   * Returns the problem that it is late.
   *
   * @param what it did not do in time, as the rest of a sentence
   */
  Problem late(String what) {
    Problem problem = Problem.of(RuntimeError.DEADLINE_MISSED, "device " + id + " " + what);
    return new Problem(
        problem.code(), Optional.of(id), problem.text(), Optional.of(state), problem.condition());
  }
}
