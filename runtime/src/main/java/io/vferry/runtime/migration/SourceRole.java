package io.vferry.runtime.migration;

import static io.vferry.spi.state.DeviceState.PRE_COPY;
import static io.vferry.spi.state.DeviceState.PRE_COPY_P2P;
import static io.vferry.spi.state.DeviceState.RUNNING;
import static io.vferry.spi.state.DeviceState.RUNNING_P2P;
import static io.vferry.spi.state.DeviceState.STOP;
import static io.vferry.spi.state.DeviceState.STOP_COPY;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.plan.Settings;
import io.vferry.runtime.report.ExpectedDowntime;
import io.vferry.runtime.report.Phase;
import io.vferry.spi.state.DeviceState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * The side that gives the guest away.
 *
 * <p>Until COMMIT is in its journal, each failure ends with the guest running here again; after
 * that this side never runs it. Not thread-safe: one event at a time.
 */
public final class SourceRole implements Role {

  /** Where the role is; finer than the phase that is shown. */
  private enum Step {
    IDLE,
    ADMISSION,
    LOGGING,
    PRECOPY,
    SETTLING,
    PAUSING,
    QUIESCING,
    STOPPING,
    STOP_COPY,
    AWAITING_READY,
    JOURNALLING,
    AWAITING_RUNNING,
    RELEASING,
    RESETTING_RELEASED,
    HOLDING,
    ROLLING_BACK_QUIET,
    ROLLING_BACK,
    STOPPING_LOG,
    RESUMING_VM,
    ENDED
  }

  private static final long ROUND_PAUSE_MILLIS = 10;

  private final Message.Offer offer;
  private final Settings settings;
  private final DeviceGroup group;
  private final PrecopyLedger ledger;
  private final ArcTimes arcTimes;
  private final DowntimePredictor predictor;

  private Step step = Step.IDLE;
  private Phase phase = Phase.SETUP;
  private Optional<ExpectedDowntime> expectedDowntime = Optional.empty();
  private Optional<Problem> failure = Optional.empty();
  private boolean linkUp = true;
  private boolean vmPaused;
  private boolean logging;
  private boolean memoryBusy;
  private int rounds;
  private long roundBeganNanos;
  private long deviceBytesInRound;
  private long progressNanos;
  private int endedStreams;

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
    this.ledger = new PrecopyLedger(devices.size());
    this.arcTimes = new ArcTimes(devices.size());
    this.predictor = new DowntimePredictor(devices, arcTimes);
  }

  @Override
  public Phase phase() {
    return phase;
  }

  @Override
  public DeviceState deviceState(int device) {
    return group.device(device).state();
  }

  @Override
  public Optional<ExpectedDowntime> expectedDowntime() {
    return expectedDowntime;
  }

  @Override
  public List<Action> on(Event event, long nowNanos) {
    if (step == Step.ENDED) {
      return List.of();
    }
    List<Action> actions = new ArrayList<>();
    handle(event, nowNanos, actions);
    arcTimes.began(actions, nowNanos);
    return actions;
  }

  private void handle(Event event, long now, List<Action> out) {
    if (event instanceof Event.Started) {
      step = Step.ADMISSION;
      out.add(new Action.SetTimer(Timer.of(Timer.Kind.SETUP), settings.setupDeadlineMillis()));
      out.add(new Action.Send(offer));
    } else if (event instanceof Event.Received received) {
      onMessage(received.message(), now, out);
    } else if (event instanceof Event.LinkLost lost) {
      linkUp = false;
      onLinkLost(lost.problem(), out);
    } else if (event instanceof Event.CancelRequested) {
      fail(Problem.of(RuntimeError.CANCELLED, "the migration was cancelled"), out);
    } else if (event instanceof Event.TimerExpired expired) {
      onTimer(expired.timer(), now, out);
    } else if (event instanceof Event.ArcDone done) {
      arcTimes.done(done.device(), done.arc(), now);
      if (done.arc().to() == PRE_COPY) {
        ledger.saving(done.device());
      }
      boolean goOn = step != Step.HOLDING;
      out.addAll(group.arcDone(done.device(), done.arc(), goOn));
      onDevicesMoved(now, out);
    } else if (event instanceof Event.ArcFailed failed) {
      onArcFailed(failed, now, out);
    } else if (event instanceof Event.ResetDone done) {
      out.addAll(group.resetDone(done.device()));
      onDevicesMoved(now, out);
    } else if (event instanceof Event.ResetFailed failed) {
      out.addAll(group.lost(failed.device()));
      addToFailure(failed.problem());
      onDevicesMoved(now, out);
    } else if (event instanceof Event.SaveProgress progress) {
      long moved = ledger.progress(progress.device(), progress.sentBytes(), progress.remaining());
      deviceBytesInRound += moved;
      predictor.moved(moved, now);
      if (moved > 0) {
        progressNanos = now;
      }
    } else if (event instanceof Event.InitialSent sent) {
      if (failure.isEmpty()) {
        out.add(
            new Action.Send(
                new Message.InitialDataSent(sent.device(), sent.generation(), sent.chunks())));
      }
    } else if (event instanceof Event.InitialRestarted restarted) {
      ledger.restarted(restarted.device(), restarted.generation());
    } else if (event instanceof Event.SaveEnded ended) {
      streamEnded(ended.summary(), out);
    } else if (event instanceof Event.SaveFailed failed) {
      fail(failed.problem(), out);
    } else if (event instanceof Event.DirtyLogStarted) {
      if (step == Step.LOGGING) {
        beginPrecopy(now, out);
      }
    } else if (event instanceof Event.DirtyLogStopped) {
      if (step == Step.STOPPING_LOG) {
        resumeAfterFailure(out);
      }
    } else if (event instanceof Event.MemoryProgress progress) {
      predictor.moved(progress.bytes(), now);
    } else if (event instanceof Event.MemorySent sent) {
      memoryBusy = false;
      if (sent.bytes() > 0) {
        progressNanos = now;
        predictor.sent(sent.bytes() + deviceBytesInRound, now - roundBeganNanos);
      }
      if (step == Step.PRECOPY) {
        sync(out);
      }
    } else if (event instanceof Event.MemorySynced synced) {
      memoryBusy = false;
      onSynced(synced, now, out);
    } else if (event instanceof Event.MemoryEnded ended) {
      streamEnded(ended.summary(), out);
    } else if (event instanceof Event.PlatformSent sent) {
      streamEnded(sent.summary(), out);
    } else if (event instanceof Event.PageRequestsSettled) {
      if (step == Step.SETTLING) {
        step = Step.PAUSING;
        vmPaused = true;
        out.add(new Action.PauseVm());
      }
    } else if (event instanceof Event.VmPaused) {
      if (step == Step.PAUSING) {
        quiesce(now, out);
      }
    } else if (event instanceof Event.VmResumed) {
      if (step == Step.RESUMING_VM) {
        end(out);
      }
    } else if (event instanceof Event.VmFailed failed) {
      onVmFailed(failed.problem(), out);
    } else if (event instanceof Event.JournalWritten) {
      commit(out);
    } else if (event instanceof Event.JournalFailed failed) {
      if (step == Step.JOURNALLING) {
        step = Step.AWAITING_READY;
        fail(failed.problem(), out);
      }
    } else {
      throw new IllegalStateException("a source is never told " + event);
    }
  }

  private void onMessage(Message message, long now, List<Action> out) {
    if (message instanceof Message.Abort abort) {
      linkUp = false;
      Problem theirs = abort.problem();
      if (committed()) {
        finishLost(Problem.of(RuntimeError.START_FAILED, theirs.text()), out);
      } else {
        fail(
            new Problem(
                theirs.code(),
                theirs.device(),
                "the destination gave up: " + theirs.text(),
                theirs.state(),
                theirs.condition()),
            out);
      }
    } else if (failure.isPresent()) {
      // What the destination said before it heard of our failure does not matter any more.
      return;
    } else if (message instanceof Message.Refused refused && step == Step.ADMISSION) {
      linkUp = false;
      List<String> reasons = refused.problems().stream().map(Problem::text).toList();
      fail(
          Problem.of(
              RuntimeError.DESTINATION_REFUSED,
              "the destination refuses: " + String.join("; ", reasons)),
          out);
    } else if (message instanceof Message.Admitted admitted
        && step == Step.ADMISSION
        && admitted.arcTimes().stream().allMatch(time -> exists(time.device()))) {
      admitted.arcTimes().forEach(time -> arcTimes.took(time.device(), time.arc(), time.nanos()));
      out.add(new Action.CancelTimer(Timer.of(Timer.Kind.SETUP)));
      step = Step.LOGGING;
      logging = true;
      out.add(new Action.StartDirtyLog());
    } else if (message instanceof Message.InitialDataLoaded loaded) {
      if (!exists(loaded.device())) {
        violation(message, out);
        return;
      }
      ledger.acknowledged(loaded.device(), loaded.generation());
      progressNanos = now;
    } else if (message instanceof Message.Ready ready && step == Step.AWAITING_READY) {
      onReady(ready, out);
    } else if (message instanceof Message.Running && step == Step.AWAITING_RUNNING) {
      out.add(new Action.CancelTimer(Timer.of(Timer.Kind.START)));
      phase = Phase.COMPLETED;
      step = Step.RELEASING;
      out.addAll(group.move(device -> STOP));
      onDevicesMoved(now, out);
    } else if (message instanceof Message.StartFailed failed && step == Step.AWAITING_RUNNING) {
      finishLost(Problem.of(RuntimeError.START_FAILED, failed.problem().text()), out);
    } else {
      violation(message, out);
    }
  }

  private boolean exists(int device) {
    return device >= 0 && device < group.devices().size();
  }

  private void violation(Message message, List<Action> out) {
    Problem problem =
        Problem.of(
            RuntimeError.PROTOCOL_VIOLATION,
            "the destination said "
                + message.getClass().getSimpleName()
                + " while the source was in step "
                + step);
    if (committed()) {
      finishLost(problem, out);
    } else {
      fail(problem, out);
    }
  }

  private void onLinkLost(Problem problem, List<Action> out) {
    if (step == Step.AWAITING_RUNNING || step == Step.JOURNALLING) {
      finishLost(
          Problem.of(
              RuntimeError.IN_DOUBT,
              "the connection was lost after COMMIT, before the destination said that the guest"
                  + " runs there ("
                  + problem.text()
                  + ")"),
          out);
    } else if (!committed()) {
      fail(problem, out);
    }
  }

  private void onTimer(Timer timer, long now, List<Action> out) {
    switch (timer.kind()) {
      case SETUP ->
          fail(
              Problem.of(
                  RuntimeError.DEADLINE_MISSED,
                  "the destination did not admit the virtual machine within "
                      + settings.setupDeadlineMillis()
                      + " ms"),
              out);
      case ARC -> onArcOverdue(timer.device(), now, out);
      case RESET -> {
        out.addAll(group.lost(timer.device()));
        addToFailure(
            deviceProblem(timer.device(), "did not end its reset in time and is taken for lost"));
        onDevicesMoved(now, out);
      }
      case ROUND -> {
        if (step == Step.PRECOPY && !memoryBusy) {
          sync(out);
        }
      }
      case SWITCHOVER ->
          fail(
              Problem.of(
                  RuntimeError.DEADLINE_MISSED,
                  "the guest was stopped for more than "
                      + settings.switchoverDeadlineMillis()
                      + " ms and the destination is not ready"),
              out);
      case START ->
          finishLost(
              Problem.of(
                  RuntimeError.IN_DOUBT,
                  "the destination has not said within "
                      + settings.switchoverDeadlineMillis()
                      + " ms after COMMIT that the guest runs"),
              out);
    }
  }

  private void onArcOverdue(int number, long now, List<Action> out) {
    TrackedDevice device = group.device(number);
    if (device.activity() != TrackedDevice.Activity.IN_ARC) {
      return;
    }
    Problem problem =
        deviceProblem(
            number,
            "did not finish the arc from "
                + device.state()
                + " within "
                + settings.arcDeadlineMillis()
                + " ms and is reset");
    if (!committed()) {
      fail(problem, out);
    } else {
      addToFailure(problem);
    }
    out.addAll(group.reset(number));
    onDevicesMoved(now, out);
  }

  private Problem deviceProblem(int number, String what) {
    TrackedDevice device = group.device(number);
    Problem problem =
        Problem.of(RuntimeError.DEADLINE_MISSED, "device " + device.id() + " " + what);
    return new Problem(
        problem.code(),
        Optional.of(device.id()),
        problem.text(),
        Optional.of(device.state()),
        problem.condition());
  }

  private void onArcFailed(Event.ArcFailed failed, long now, List<Action> out) {
    boolean rolledBack = failure.isPresent() || committed();
    out.addAll(group.arcFailed(failed.device(), failed.state()));
    if (group.device(failed.device()).activity() != TrackedDevice.Activity.IDLE) {
      return;
    }
    if (rolledBack) {
      // The way back is closed as well; only a reset is left.
      addToFailure(failed.problem());
      out.addAll(group.reset(failed.device()));
    } else {
      fail(failed.problem(), out);
    }
    onDevicesMoved(now, out);
  }

  private void onVmFailed(Problem problem, List<Action> out) {
    if (step == Step.RESUMING_VM) {
      addToFailure(problem);
      phase = Phase.FAILED;
      finish(false, out);
    } else if (!committed()) {
      fail(problem, out);
    }
  }

  // ---- forward ----------------------------------------------------------------------------

  private void beginPrecopy(long now, List<Action> out) {
    step = Step.PRECOPY;
    phase = Phase.PRECOPY;
    progressNanos = now;
    out.addAll(group.move(device -> device.features().preCopy() ? PRE_COPY : RUNNING));
    sendMemory(true, now, out);
  }

  private void sendMemory(boolean everything, long now, List<Action> out) {
    rounds++;
    memoryBusy = true;
    roundBeganNanos = now;
    predictor.roundBegins(now);
    deviceBytesInRound = 0;
    out.add(new Action.SendMemory(everything));
  }

  private void sync(List<Action> out) {
    memoryBusy = true;
    out.add(new Action.SyncMemory());
  }

  private void onSynced(Event.MemorySynced synced, long now, List<Action> out) {
    for (int device = 0; device < synced.stopCopyBytes().size(); device++) {
      ledger.estimated(device, synced.stopCopyBytes().get(device));
    }
    if (step != Step.PRECOPY) {
      return;
    }
    DowntimePredictor.Bytes devices = ledger.stopCopyBytes();
    Optional<ExpectedDowntime> predicted =
        predictor.predict(
            new DowntimePredictor.Bytes(
                synced.dirtyBytes() + devices.expected(),
                synced.dirtyBytes() + devices.least(),
                synced.dirtyBytes() + devices.most()));
    expectedDowntime = predicted;
    Optional<Integer> waiting = ledger.unacknowledged();
    boolean devicesReady = group.settled() && waiting.isEmpty();
    boolean shortEnough =
        predicted.isPresent() && predicted.get().millis() <= settings.downtimeLimitMillis();
    // Without a rate there is nothing to predict from; sending dirty memory gives one.
    boolean unknown = predicted.isEmpty() && synced.dirtyBytes() == 0;
    if (devicesReady && (shortEnough || unknown)) {
      settle(out);
    } else if (rounds >= settings.maxPrecopyRounds() && devicesReady) {
      if (settings.forceSwitchover()) {
        settle(out);
      } else {
        fail(notConverging(synced, predicted), out);
      }
    } else if (now - progressNanos > settings.arcDeadlineMillis() * 1_000_000L
        || (rounds >= settings.maxPrecopyRounds()
            && now - roundBeganNanos > settings.arcDeadlineMillis() * 1_000_000L)) {
      // Devices that dirty data all the time always make some progress; rounds bound that.
      fail(stalled(waiting), out);
    } else if (synced.dirtyBytes() > 0 && rounds < settings.maxPrecopyRounds()) {
      sendMemory(false, now, out);
    } else {
      out.add(new Action.SetTimer(Timer.of(Timer.Kind.ROUND), ROUND_PAUSE_MILLIS));
    }
  }

  private Problem notConverging(Event.MemorySynced synced, Optional<ExpectedDowntime> predicted) {
    return Problem.of(
        RuntimeError.NOT_CONVERGING,
        "after %d rounds the predicted downtime is %s, above the limit of %d ms: %d bytes of memory are dirty, the devices hold %d, and %s bytes move in a second"
            .formatted(
                rounds,
                predicted.map(ExpectedDowntime::toString).orElse("unknown"),
                settings.downtimeLimitMillis(),
                synced.dirtyBytes(),
                ledger.stopCopyBytes().expected(),
                predictor.bytesPerSecond().map(String::valueOf).orElse("no")));
  }

  private Problem stalled(Optional<Integer> waiting) {
    return waiting
        .map(number -> deviceProblem(number, "did not bring its first image across in time"))
        .orElseGet(
            () ->
                Problem.of(
                    RuntimeError.DEADLINE_MISSED,
                    "nothing has moved for " + settings.arcDeadlineMillis() + " ms"));
  }

  private void settle(List<Action> out) {
    step = Step.SETTLING;
    phase = Phase.SWITCHOVER;
    out.add(new Action.SettlePageRequests(settings.arcDeadlineMillis()));
  }

  private void quiesce(long now, List<Action> out) {
    step = Step.QUIESCING;
    out.add(
        new Action.SetTimer(Timer.of(Timer.Kind.SWITCHOVER), settings.switchoverDeadlineMillis()));
    out.add(new Action.Send(new Message.Switchover()));
    out.addAll(
        group.move(
            device ->
                switch (device.state()) {
                  case RUNNING -> device.features().p2p() ? RUNNING_P2P : RUNNING;
                  case PRE_COPY -> device.features().p2p() ? PRE_COPY_P2P : PRE_COPY;
                  default -> device.state();
                }));
    onDevicesMoved(now, out);
  }

  /** Called whenever a device may have arrived: goes on when the last one has. */
  private void onDevicesMoved(long now, List<Action> out) {
    switch (step) {
      case QUIESCING -> {
        if (group.settled()) {
          step = Step.STOPPING;
          out.addAll(group.move(device -> device.state().saving() ? STOP_COPY : STOP));
          onDevicesMoved(now, out);
        }
      }
      case STOPPING -> {
        if (group.settled()) {
          stopCopy(out);
        }
      }
      case RELEASING -> {
        if (group.settled()) {
          step = Step.RESETTING_RELEASED;
          group.devices().stream()
              .filter(device -> device.activity() == TrackedDevice.Activity.IDLE)
              .forEach(device -> out.addAll(group.reset(device.number())));
          onDevicesMoved(now, out);
        }
      }
      case RESETTING_RELEASED -> {
        if (group.quiet()) {
          finish(false, out);
        }
      }
      case HOLDING -> {
        if (group.quiet()) {
          rollBackQuietly(now, out);
        }
      }
      case ROLLING_BACK_QUIET -> {
        if (group.settled()) {
          step = Step.ROLLING_BACK;
          out.addAll(group.move(device -> RUNNING));
          onDevicesMoved(now, out);
        }
      }
      case ROLLING_BACK -> {
        if (group.settled()) {
          if (logging) {
            step = Step.STOPPING_LOG;
            out.add(new Action.StopDirtyLog());
          } else {
            resumeAfterFailure(out);
          }
        }
      }
      default -> {
        // In the other steps the role does not wait for devices.
      }
    }
  }

  private void stopCopy(List<Action> out) {
    step = Step.STOP_COPY;
    phase = Phase.STOP_COPY;
    out.addAll(group.move(device -> STOP_COPY));
    out.add(new Action.SendLastMemory());
    out.add(new Action.SendPlatform());
  }

  private void streamEnded(StreamSummary summary, List<Action> out) {
    if (failure.isPresent()) {
      return;
    }
    // A device with pre-copy may reach the end of its stream before the others have stopped.
    out.add(
        new Action.Send(
            new Message.StreamEnd(
                summary.stream(), summary.chunks(), summary.bytes(), summary.digest())));
    endedStreams++;
    if (step == Step.STOP_COPY && endedStreams == group.devices().size() + 2) {
      step = Step.AWAITING_READY;
      phase = Phase.READY;
    }
  }

  private void onReady(Message.Ready ready, List<Action> out) {
    if (!ready.audit().violations().isEmpty()) {
      fail(
          Problem.of(
              RuntimeError.AUDIT_FAILED,
              "the destination found that something was lost: "
                  + String.join("; ", ready.audit().violations())),
          out);
      return;
    }
    step = Step.JOURNALLING;
    out.add(new Action.WriteCommit());
  }

  private void commit(List<Action> out) {
    if (step != Step.JOURNALLING) {
      return;
    }
    step = Step.AWAITING_RUNNING;
    phase = Phase.COMMITTED;
    out.add(new Action.Send(new Message.Commit()));
    out.add(new Action.CancelTimer(Timer.of(Timer.Kind.SWITCHOVER)));
    out.add(new Action.SetTimer(Timer.of(Timer.Kind.START), settings.switchoverDeadlineMillis()));
  }

  private boolean committed() {
    return switch (step) {
      case AWAITING_RUNNING, RELEASING, RESETTING_RELEASED, ENDED -> true;
      // The record may be durable already; who asks must take it for done.
      case JOURNALLING -> true;
      default -> false;
    };
  }

  // ---- back -------------------------------------------------------------------------------

  private void fail(Problem problem, List<Action> out) {
    if (committed()) {
      return;
    }
    if (failure.isPresent()) {
      return;
    }
    failure = Optional.of(problem);
    boolean neverBegan = step == Step.IDLE || step == Step.ADMISSION;
    if (linkUp) {
      out.add(new Action.Send(new Message.Abort(problem)));
    }
    for (Timer.Kind kind : List.of(Timer.Kind.SETUP, Timer.Kind.ROUND, Timer.Kind.SWITCHOVER)) {
      out.add(new Action.CancelTimer(Timer.of(kind)));
    }
    if (neverBegan) {
      end(out);
      return;
    }
    out.add(new Action.StopTransfers());
    memoryBusy = false;
    group.hold();
    step = Step.HOLDING;
    if (group.quiet()) {
      rollBackQuietly(0, out);
    }
  }

  /** First phase of the way back: everybody accepts P2P before anybody starts it. */
  private void rollBackQuietly(long now, List<Action> out) {
    step = Step.ROLLING_BACK_QUIET;
    group.devices().stream()
        .filter(device -> device.activity() == TrackedDevice.Activity.IDLE)
        .filter(device -> device.state() == DeviceState.ERROR)
        .forEach(device -> out.addAll(group.reset(device.number())));
    Function<TrackedDevice, DeviceState> quiet =
        device ->
            switch (device.state()) {
              case STOP, STOP_COPY, PRE_COPY_P2P ->
                  device.features().p2p() ? RUNNING_P2P : device.state();
              default -> device.state();
            };
    out.addAll(
        group.move(
            device ->
                device.activity() == TrackedDevice.Activity.RESETTING
                    ? RUNNING
                    : quiet.apply(device)));
    onDevicesMoved(now, out);
  }

  private void resumeAfterFailure(List<Action> out) {
    if (vmPaused) {
      step = Step.RESUMING_VM;
      out.add(new Action.ResumeVm());
    } else {
      end(out);
    }
  }

  private void end(List<Action> out) {
    phase =
        failure.filter(f -> f.code().equals(RuntimeError.CANCELLED.label())).isPresent()
            ? Phase.CANCELLED
            : Phase.FAILED;
    finish(true, out);
  }

  /** The guest is not ours any more, and we do not know that it runs. */
  private void finishLost(Problem problem, List<Action> out) {
    failure = Optional.of(problem);
    phase = Phase.FAILED;
    out.add(new Action.StopTransfers());
    finish(false, out);
  }

  private void finish(boolean guestRuns, List<Action> out) {
    step = Step.ENDED;
    out.add(new Action.Finish(phase, failure, guestRuns));
  }

  private void addToFailure(Problem more) {
    failure =
        failure
            .map(
                first ->
                    new Problem(
                        first.code(),
                        first.device(),
                        first.text() + " Then: " + more.text(),
                        first.state(),
                        first.condition()))
            .or(() -> phase == Phase.COMPLETED ? Optional.empty() : Optional.of(more));
  }
}
