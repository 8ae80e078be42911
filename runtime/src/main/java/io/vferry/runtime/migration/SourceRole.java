package io.vferry.runtime.migration;

import static io.vferry.spi.state.DeviceState.PRE_COPY;
import static io.vferry.spi.state.DeviceState.RUNNING;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.plan.Settings;
import io.vferry.runtime.report.ExpectedDowntime;
import io.vferry.runtime.report.Phase;
import io.vferry.spi.state.DeviceState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The side that gives the guest away: tells its parts what they are told by the engine and the
 * destination, and objects to what cannot be at this point.
 *
 * <p>Until COMMIT is in its journal, each failure ends with the guest running here again; after
 * that this side never runs it. Not thread-safe: one event at a time.
 */
public final class SourceRole implements Role {

  private static final long ROUND_PAUSE_MILLIS = 10;

  private final Message.Offer offer;
  private final Settings settings;
  private final DeviceGroup group;
  private final ArcTimes arcTimes;
  private final SourceCourse course = new SourceCourse();
  private final PrecopyRounds rounds;
  private final Switchover switchover;
  private final Handover handover;
  private final Rollback rollback;

  /**
   * Creates the role.
   *
   * @param offer what is to be moved
   * @param devices the same devices, in the same order
   */
  public SourceRole(Message.Offer offer, List<RoleDevice> devices, Settings settings) {
    this.offer = offer;
    this.settings = settings;
    this.group = new DeviceGroup(devices, settings.arcDeadlineMillis());
    this.arcTimes = new ArcTimes(devices.size());
    this.rounds = new PrecopyRounds(settings, group, new DowntimePredictor(devices, arcTimes));
    this.switchover = new Switchover(course, group, settings);
    this.handover = new Handover(course, group, settings);
    this.rollback = new Rollback(course, group);
  }

  @Override
  public Phase phase() {
    return course.phase();
  }

  @Override
  public DeviceState deviceState(int device) {
    return group.device(device).state();
  }

  @Override
  public Optional<ExpectedDowntime> expectedDowntime() {
    return rounds.expectedDowntime();
  }

  @Override
  public List<Action> on(Event event, long nowNanos) {
    if (course.in(SourceStep.ENDED)) {
      return List.of();
    }
    List<Action> actions = new ArrayList<>();
    handle(event, nowNanos, actions);
    arcTimes.began(actions, nowNanos);
    return actions;
  }

  private void handle(Event event, long now, List<Action> out) {
    if (event instanceof Event.Started) {
      course.enter(SourceStep.ADMISSION);
      out.add(new Action.SetTimer(Timer.of(Timer.Kind.SETUP), settings.setupDeadlineMillis()));
      out.add(new Action.Send(offer));
    } else if (event instanceof Event.Received received) {
      onMessage(received.message(), now, out);
    } else if (event instanceof Event.LinkLost lost) {
      course.linkDown();
      onLinkLost(lost.problem(), out);
    } else if (event instanceof Event.CancelRequested) {
      rollback.begin(Problem.of(RuntimeError.CANCELLED, "the migration was cancelled"), out);
    } else if (event instanceof Event.TimerExpired expired) {
      onTimer(expired.timer(), out);
    } else if (event instanceof Event.ArcDone done) {
      onArcDone(done, now, out);
    } else if (event instanceof Event.ArcFailed failed) {
      onArcFailed(failed, out);
    } else if (event instanceof Event.ResetDone done) {
      out.addAll(group.resetDone(done.device()));
      onDevicesMoved(out);
    } else if (event instanceof Event.ResetFailed failed) {
      out.addAll(group.lost(failed.device()));
      course.alsoFailed(failed.problem());
      onDevicesMoved(out);
    } else if (event instanceof Event.SaveProgress progress) {
      rounds.deviceMoved(progress, now);
    } else if (event instanceof Event.InitialSent sent) {
      if (!course.failed()) {
        out.add(
            new Action.Send(
                new Message.InitialDataSent(sent.device(), sent.generation(), sent.chunks())));
      }
    } else if (event instanceof Event.InitialRestarted restarted) {
      rounds.imageRestarted(restarted.device(), restarted.generation());
    } else if (event instanceof Event.SaveEnded ended) {
      onStreamEnded(ended.summary(), out);
    } else if (event instanceof Event.SaveFailed failed) {
      rollback.begin(failed.problem(), out);
    } else if (event instanceof Event.DirtyLogStarted) {
      if (course.in(SourceStep.LOGGING)) {
        beginPrecopy(now, out);
      }
    } else if (event instanceof Event.DirtyLogStopped) {
      if (course.in(SourceStep.STOPPING_LOG)) {
        rollback.logStopped(out);
      }
    } else if (event instanceof Event.MemoryProgress progress) {
      rounds.memoryMoved(progress.bytes(), now);
    } else if (event instanceof Event.MemorySent sent) {
      rounds.memorySent(sent.bytes(), now);
      if (course.in(SourceStep.PRECOPY)) {
        rounds.look(out);
      }
    } else if (event instanceof Event.MemorySynced synced) {
      rounds.looked(synced);
      if (course.in(SourceStep.PRECOPY)) {
        goOnWithPrecopy(now, out);
      }
    } else if (event instanceof Event.MemoryEnded ended) {
      onStreamEnded(ended.summary(), out);
    } else if (event instanceof Event.PlatformSent sent) {
      onStreamEnded(sent.summary(), out);
    } else if (event instanceof Event.PageRequestsSettled) {
      if (course.in(SourceStep.SETTLING)) {
        rollback.undoPause();
        switchover.pageRequestsSettled(out);
      }
    } else if (event instanceof Event.VmPaused) {
      if (course.in(SourceStep.PAUSING)) {
        switchover.guestPaused(out);
      }
    } else if (event instanceof Event.VmResumed) {
      if (course.in(SourceStep.RESUMING_VM)) {
        rollback.guestResumed(out);
      }
    } else if (event instanceof Event.VmFailed failed) {
      if (course.in(SourceStep.RESUMING_VM)) {
        rollback.guestNotResumed(failed.problem(), out);
      } else {
        rollback.begin(failed.problem(), out);
      }
    } else if (event instanceof Event.JournalWritten) {
      if (course.in(SourceStep.JOURNALLING)) {
        handover.journalled(out);
      }
    } else if (event instanceof Event.JournalFailed failed) {
      if (course.in(SourceStep.JOURNALLING)) {
        course.enter(SourceStep.AWAITING_READY);
        rollback.begin(failed.problem(), out);
      }
    } else {
      throw new IllegalStateException("a source is never told " + event);
    }
  }

  private void onMessage(Message message, long now, List<Action> out) {
    if (message instanceof Message.Abort abort) {
      course.linkDown();
      onAbort(abort.problem(), out);
    } else if (course.failed()) {
      // What the destination said before it heard of our failure does not matter any more.
      return;
    } else if (message instanceof Message.Refused refused && course.in(SourceStep.ADMISSION)) {
      course.linkDown();
      List<String> reasons = refused.problems().stream().map(Problem::text).toList();
      rollback.begin(
          Problem.of(
              RuntimeError.DESTINATION_REFUSED,
              "the destination refuses: " + String.join("; ", reasons)),
          out);
    } else if (message instanceof Message.Admitted admitted
        && course.in(SourceStep.ADMISSION)
        && admitted.arcTimes().stream().allMatch(time -> exists(time.device()))) {
      admitted.arcTimes().forEach(time -> arcTimes.took(time.device(), time.arc(), time.nanos()));
      out.add(new Action.CancelTimer(Timer.of(Timer.Kind.SETUP)));
      course.enter(SourceStep.LOGGING);
      rollback.undoLog();
      out.add(new Action.StartDirtyLog());
    } else if (message instanceof Message.InitialDataLoaded loaded && exists(loaded.device())) {
      rounds.imageLoaded(loaded.device(), loaded.generation(), now);
    } else if (message instanceof Message.Ready ready && course.in(SourceStep.AWAITING_READY)) {
      onReady(ready, out);
    } else if (message instanceof Message.Running && course.in(SourceStep.AWAITING_RUNNING)) {
      handover.running(out);
    } else if (message instanceof Message.StartFailed failed
        && course.in(SourceStep.AWAITING_RUNNING)) {
      handover.notStarted(failed.problem(), out);
    } else {
      onViolation(message, out);
    }
  }

  private boolean exists(int device) {
    return device >= 0 && device < group.devices().size();
  }

  private void onAbort(Problem theirs, List<Action> out) {
    if (course.committed()) {
      handover.notStarted(theirs, out);
    } else {
      rollback.begin(
          new Problem(
              theirs.code(),
              theirs.device(),
              "the destination gave up: " + theirs.text(),
              theirs.state(),
              theirs.condition()),
          out);
    }
  }

  private void onReady(Message.Ready ready, List<Action> out) {
    List<String> violations = ready.audit().violations();
    if (violations.isEmpty()) {
      handover.begin(out);
    } else {
      rollback.begin(
          Problem.of(
              RuntimeError.AUDIT_FAILED,
              "the destination found that something was lost: " + String.join("; ", violations)),
          out);
    }
  }

  private void onViolation(Message message, List<Action> out) {
    Problem problem =
        Problem.of(
            RuntimeError.PROTOCOL_VIOLATION,
            "the destination said "
                + message.getClass().getSimpleName()
                + " while the source was in step "
                + course.step());
    if (course.committed()) {
      course.endLost(problem, out);
    } else {
      rollback.begin(problem, out);
    }
  }

  private void onLinkLost(Problem problem, List<Action> out) {
    if (handover.inDoubt()) {
      handover.linkLost(problem, out);
    } else {
      rollback.begin(problem, out);
    }
  }

  private void onTimer(Timer timer, List<Action> out) {
    switch (timer.kind()) {
      case SETUP ->
          rollback.begin(
              Problem.of(
                  RuntimeError.DEADLINE_MISSED,
                  "the destination did not admit the virtual machine within "
                      + settings.setupDeadlineMillis()
                      + " ms"),
              out);
      case ARC -> onArcOverdue(group.device(timer.device()), out);
      case RESET -> {
        TrackedDevice device = group.device(timer.device());
        out.addAll(group.lost(timer.device()));
        course.alsoFailed(device.late("did not end its reset in time and is taken for lost"));
        onDevicesMoved(out);
      }
      case ROUND -> {
        if (course.in(SourceStep.PRECOPY)) {
          rounds.look(out);
        }
      }
      case SWITCHOVER ->
          rollback.begin(
              Problem.of(
                  RuntimeError.DEADLINE_MISSED,
                  "the guest was stopped for more than "
                      + settings.switchoverDeadlineMillis()
                      + " ms and the destination is not ready"),
              out);
      case START -> handover.overdue(out);
    }
  }

  private void onArcDone(Event.ArcDone done, long now, List<Action> out) {
    arcTimes.done(done.device(), done.arc(), now);
    if (done.arc().to() == PRE_COPY) {
      rounds.saving(done.device());
    }
    out.addAll(group.arcDone(done.device(), done.arc(), !course.in(SourceStep.HOLDING)));
    onDevicesMoved(out);
  }

  private void onArcOverdue(TrackedDevice device, List<Action> out) {
    if (device.activity() != TrackedDevice.Activity.IN_ARC) {
      return;
    }
    Problem problem =
        device.late(
            "did not finish the arc from %s within %d ms and is reset"
                .formatted(device.state(), settings.arcDeadlineMillis()));
    if (course.committed()) {
      course.alsoFailed(problem);
    } else {
      rollback.begin(problem, out);
    }
    out.addAll(group.reset(device.number()));
    onDevicesMoved(out);
  }

  private void onArcFailed(Event.ArcFailed failed, List<Action> out) {
    boolean onTheWayBack = course.failed() || course.committed();
    out.addAll(group.arcFailed(failed.device(), failed.state()));
    if (group.device(failed.device()).activity() != TrackedDevice.Activity.IDLE) {
      return;
    }
    if (onTheWayBack) {
      // The way back is closed as well; only a reset is left.
      course.alsoFailed(failed.problem());
      out.addAll(group.reset(failed.device()));
    } else {
      rollback.begin(failed.problem(), out);
    }
    onDevicesMoved(out);
  }

  /** Called whenever a device may have arrived: whoever waits for the last one goes on. */
  private void onDevicesMoved(List<Action> out) {
    switchover.devicesMoved(out);
    handover.devicesMoved(out);
    rollback.devicesMoved(out);
  }

  private void onStreamEnded(StreamSummary summary, List<Action> out) {
    if (!course.failed()) {
      switchover.streamEnded(summary, out);
    }
  }

  private void beginPrecopy(long now, List<Action> out) {
    course.enter(SourceStep.PRECOPY, Phase.PRECOPY);
    out.addAll(group.move(device -> device.features().preCopy() ? PRE_COPY : RUNNING));
    rounds.begin(now, out);
  }

  private void goOnWithPrecopy(long now, List<Action> out) {
    switch (rounds.judge(now)) {
      case SWITCH_OVER -> switchover.begin(out);
      case NEXT_ROUND -> rounds.next(now, out);
      case LOOK_AGAIN ->
          out.add(new Action.SetTimer(Timer.of(Timer.Kind.ROUND), ROUND_PAUSE_MILLIS));
      case NOT_CONVERGING -> rollback.begin(rounds.notConverging(), out);
      case STALLED -> rollback.begin(rounds.stalled(), out);
    }
  }
}
