package io.vferry.runtime.migration;

import static io.vferry.spi.state.DeviceState.RUNNING;
import static io.vferry.spi.state.DeviceState.RUNNING_P2P;

import io.vferry.spi.state.DeviceState;
import java.util.List;

/**
 * The way back after a failure before COMMIT: arcs under way end, all devices accept peer-to-peer
 * traffic before any of them starts it, the logs go off, and the guest runs here again.
 */
final class Rollback {

  private final SourceCourse course;
  private final DeviceGroup group;
  private boolean logOn;
  private boolean guestPaused;

  Rollback(SourceCourse course, DeviceGroup group) {
    this.course = course;
    this.group = group;
  }

  /** From now on the logs have to be turned off. */
  void undoLog() {
    logOn = true;
  }

  /** From now on the guest has to be resumed. */
  void undoPause() {
    guestPaused = true;
  }

  /** Begins it, if the guest is still ours and this is the first failure. */
  void begin(Problem problem, List<Action> out) {
    if (course.committed() || course.failed()) {
      return;
    }
    course.fail(problem);
    if (course.linkUp()) {
      out.add(new Action.Send(new Message.Abort(problem)));
    }
    for (Timer.Kind kind : List.of(Timer.Kind.SETUP, Timer.Kind.ROUND, Timer.Kind.SWITCHOVER)) {
      out.add(new Action.CancelTimer(Timer.of(kind)));
    }
    if (course.in(SourceStep.IDLE) || course.in(SourceStep.ADMISSION)) {
      course.endRunningHere(out);
      return;
    }
    out.add(new Action.StopTransfers());
    group.hold();
    course.enter(SourceStep.HOLDING);
    devicesMoved(out);
  }

  /** Goes on when the last device has arrived. */
  void devicesMoved(List<Action> out) {
    if (course.in(SourceStep.HOLDING) && group.quiet()) {
      quieten(out);
    }
    if (course.in(SourceStep.ROLLING_BACK_QUIET) && group.settled()) {
      course.enter(SourceStep.ROLLING_BACK);
      out.addAll(group.move(device -> RUNNING));
    }
    if (course.in(SourceStep.ROLLING_BACK) && group.settled()) {
      if (logOn) {
        course.enter(SourceStep.STOPPING_LOG);
        out.add(new Action.StopDirtyLog());
      } else {
        resumeGuest(out);
      }
    }
  }

  /** First phase: everybody accepts P2P before anybody starts it. */
  private void quieten(List<Action> out) {
    course.enter(SourceStep.ROLLING_BACK_QUIET);
    group.devices().stream()
        .filter(device -> device.activity() == TrackedDevice.Activity.IDLE)
        .filter(device -> device.state() == DeviceState.ERROR)
        .forEach(device -> out.addAll(group.reset(device.number())));
    out.addAll(
        group.move(
            device ->
                device.activity() == TrackedDevice.Activity.RESETTING ? RUNNING : quiet(device)));
  }

  private static DeviceState quiet(TrackedDevice device) {
    return switch (device.state()) {
      case STOP, STOP_COPY, PRE_COPY_P2P -> device.features().p2p() ? RUNNING_P2P : device.state();
      default -> device.state();
    };
  }

  void logStopped(List<Action> out) {
    resumeGuest(out);
  }

  private void resumeGuest(List<Action> out) {
    if (guestPaused) {
      course.enter(SourceStep.RESUMING_VM);
      out.add(new Action.ResumeVm());
    } else {
      course.endRunningHere(out);
    }
  }

  void guestResumed(List<Action> out) {
    course.endRunningHere(out);
  }

  void guestNotResumed(Problem problem, List<Action> out) {
    course.endStopped(problem, out);
  }
}
