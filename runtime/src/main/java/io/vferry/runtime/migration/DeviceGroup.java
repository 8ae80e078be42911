package io.vferry.runtime.migration;

import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * The devices of one side. Moves them together: all begin at once, and the move is over when the
 * last has arrived, which is what the two phases of a switchover rest on.
 */
final class DeviceGroup {

  private final List<TrackedDevice> devices = new ArrayList<>();
  private final long arcDeadlineMillis;

  DeviceGroup(List<RoleDevice> devices, long arcDeadlineMillis) {
    for (RoleDevice device : devices) {
      this.devices.add(new TrackedDevice(this.devices.size(), device));
    }
    this.arcDeadlineMillis = arcDeadlineMillis;
  }

  List<TrackedDevice> devices() {
    return devices;
  }

  TrackedDevice device(int number) {
    return devices.get(number);
  }

  /** Sends each device on its way. */
  List<Action> move(Function<TrackedDevice, DeviceState> targets) {
    List<Action> actions = new ArrayList<>();
    for (TrackedDevice device : devices) {
      if (device.activity() != TrackedDevice.Activity.LOST) {
        device.aim(targets.apply(device));
        step(device, actions);
      }
    }
    return actions;
  }

  /** Lets arcs under way end and begins no new ones. */
  void hold() {
    devices.forEach(TrackedDevice::hold);
  }

  boolean settled() {
    return devices.stream().allMatch(TrackedDevice::settled);
  }

  /** Whether no arc and no reset is under way. */
  boolean quiet() {
    return devices.stream()
        .allMatch(
            device ->
                device.activity() == TrackedDevice.Activity.IDLE
                    || device.activity() == TrackedDevice.Activity.LOST);
  }

  /** An arc is done: goes on to the next. */
  List<Action> arcDone(int number, Arc arc, boolean goOn) {
    List<Action> actions = new ArrayList<>();
    TrackedDevice device = device(number);
    if (device.activity() != TrackedDevice.Activity.IN_ARC) {
      return actions;
    }
    actions.add(new Action.CancelTimer(new Timer(Timer.Kind.ARC, number)));
    device.arrived(arc.to());
    if (goOn) {
      step(device, actions);
    } else {
      device.hold();
    }
    return actions;
  }

  /** An arc failed: the device stays where it really is. */
  List<Action> arcFailed(int number, DeviceState state) {
    TrackedDevice device = device(number);
    if (device.activity() != TrackedDevice.Activity.IN_ARC) {
      return List.of();
    }
    device.arrived(state);
    device.hold();
    return List.of(new Action.CancelTimer(new Timer(Timer.Kind.ARC, number)));
  }

  /** Resets a device, whatever it does. */
  List<Action> reset(int number) {
    device(number).resetting();
    return List.of(
        new Action.CancelTimer(new Timer(Timer.Kind.ARC, number)),
        new Action.Reset(number),
        new Action.SetTimer(new Timer(Timer.Kind.RESET, number), arcDeadlineMillis));
  }

  List<Action> resetDone(int number) {
    device(number).arrived(DeviceState.RUNNING);
    device(number).aim(DeviceState.RUNNING);
    return List.of(new Action.CancelTimer(new Timer(Timer.Kind.RESET, number)));
  }

  List<Action> lost(int number) {
    device(number).lost();
    return List.of(new Action.CancelTimer(new Timer(Timer.Kind.RESET, number)));
  }

  private void step(TrackedDevice device, List<Action> actions) {
    device
        .begin()
        .ifPresent(
            arc -> {
              actions.add(
                  new Action.SetTimer(
                      new Timer(Timer.Kind.ARC, device.number()), arcDeadlineMillis));
              actions.add(new Action.Perform(device.number(), arc));
            });
  }
}
