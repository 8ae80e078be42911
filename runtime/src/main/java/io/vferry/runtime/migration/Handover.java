package io.vferry.runtime.migration;

import static io.vferry.spi.state.DeviceState.STOP;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.plan.Settings;
import io.vferry.runtime.report.Phase;
import java.util.List;

/**
 * Gives the guest to a destination that is ready: COMMIT in the journal, then said, and when the
 * guest runs there the devices here are released. From the journal on, each failure leaves the
 * guest with the destination.
 */
final class Handover {

  private final SourceCourse course;
  private final DeviceGroup group;
  private final Settings settings;

  Handover(SourceCourse course, DeviceGroup group, Settings settings) {
    this.course = course;
    this.group = group;
    this.settings = settings;
  }

  /** The destination has everything, and misses nothing. */
  void begin(List<Action> out) {
    course.enter(SourceStep.JOURNALLING);
    out.add(new Action.WriteCommit());
  }

  void journalled(List<Action> out) {
    course.enter(SourceStep.AWAITING_RUNNING, Phase.COMMITTED);
    out.add(new Action.Send(new Message.Commit()));
    out.add(new Action.CancelTimer(Timer.of(Timer.Kind.SWITCHOVER)));
    out.add(new Action.SetTimer(Timer.of(Timer.Kind.START), settings.switchoverDeadlineMillis()));
  }

  /** The guest runs there. */
  void running(List<Action> out) {
    out.add(new Action.CancelTimer(Timer.of(Timer.Kind.START)));
    course.enter(SourceStep.RELEASING, Phase.COMPLETED);
    out.addAll(group.move(device -> STOP));
    devicesMoved(out);
  }

  /** Releases the devices once they stand still: what is in them is the guest's, not ours. */
  void devicesMoved(List<Action> out) {
    if (course.in(SourceStep.RELEASING) && group.settled()) {
      course.enter(SourceStep.RESETTING_RELEASED);
      group.devices().stream()
          .filter(device -> device.activity() == TrackedDevice.Activity.IDLE)
          .forEach(device -> out.addAll(group.reset(device.number())));
    }
    if (course.in(SourceStep.RESETTING_RELEASED) && group.quiet()) {
      course.endCompleted(out);
    }
  }

  void notStarted(Problem theirs, List<Action> out) {
    course.endLost(Problem.of(RuntimeError.START_FAILED, theirs.text()), out);
  }

  /** Whether a lost connection leaves open who has the guest. */
  boolean inDoubt() {
    return course.in(SourceStep.AWAITING_RUNNING) || course.in(SourceStep.JOURNALLING);
  }

  void linkLost(Problem problem, List<Action> out) {
    course.endLost(
        Problem.of(
            RuntimeError.IN_DOUBT,
            "the connection was lost after COMMIT, before the destination said that the guest"
                + " runs there ("
                + problem.text()
                + ")"),
        out);
  }

  void overdue(List<Action> out) {
    course.endLost(
        Problem.of(
            RuntimeError.IN_DOUBT,
            "the destination has not said within "
                + settings.switchoverDeadlineMillis()
                + " ms after COMMIT that the guest runs"),
        out);
  }
}
