package io.vferry.runtime.migration;

import static io.vferry.spi.state.DeviceState.RESUMING;
import static io.vferry.spi.state.DeviceState.RUNNING;
import static io.vferry.spi.state.DeviceState.RUNNING_P2P;
import static io.vferry.spi.state.DeviceState.STOP;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.plan.Settings;
import io.vferry.runtime.report.ExpectedDowntime;
import io.vferry.runtime.report.Phase;
import io.vferry.spi.state.DeviceState;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The side that takes the guest over.
 *
 * <p>It never runs the guest before COMMIT is in its own journal. What it got before is thrown away
 * if the migration fails: its devices are reset. Only when the connection is lost between its READY
 * and the source's COMMIT it keeps everything stopped as it is, because then only the two journals
 * together tell who owns the guest. Not thread-safe: one event at a time.
 */
public final class DestinationRole implements Role {

  private enum Step {
    IDLE,
    AWAITING_OFFER,
    CHECKING,
    RESUMING_DEVICES,
    LOADING,
    LOADING_PLATFORM,
    AUDITING,
    AWAITING_COMMIT,
    JOURNALLING,
    QUIET_START,
    STARTING,
    RESUMING_VM,
    CLEANING,
    ENDED
  }

  private final Settings settings;
  private final DeviceGroup group;
  private final ArcTimes arcTimes;
  private final Set<Integer> announcedStreams = new HashSet<>();
  private final Set<Integer> loadedStreams = new HashSet<>();

  private Step step = Step.IDLE;
  private Phase phase = Phase.SETUP;
  private final Failure failure = new Failure();
  private boolean linkUp = true;

  /**
   * Creates the role.
   *
   * @param devices the devices of this side, in manifest order
   */
  public DestinationRole(List<RoleDevice> devices, Settings settings) {
    this.settings = settings;
    this.group = new DeviceGroup(devices, settings.arcDeadlineMillis());
    this.arcTimes = new ArcTimes(devices.size());
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
    return Optional.empty();
  }

  @Override
  public List<Action> on(Event event, long nowNanos) {
    if (step == Step.ENDED) {
      return List.of();
    }
    List<Action> out = new ArrayList<>();
    if (event instanceof Event.ArcDone done) {
      arcTimes.done(done.device(), done.arc(), nowNanos);
    }
    handle(event, out);
    arcTimes.began(out, nowNanos);
    return out;
  }

  private void handle(Event event, List<Action> out) {
    if (event instanceof Event.Started) {
      step = Step.AWAITING_OFFER;
      out.add(new Action.SetTimer(Timer.of(Timer.Kind.SETUP), settings.setupDeadlineMillis()));
    } else if (event instanceof Event.Received received) {
      onMessage(received.message(), out);
    } else if (event instanceof Event.LinkLost lost) {
      linkUp = false;
      onLinkLost(lost.problem(), out);
    } else if (event instanceof Event.CancelRequested) {
      if (step != Step.AWAITING_COMMIT) {
        fail(Problem.of(RuntimeError.CANCELLED, "the migration was cancelled"), out);
      }
    } else if (event instanceof Event.TimerExpired expired) {
      onTimer(expired.timer(), out);
    } else if (event instanceof Event.OfferChecked checked) {
      onChecked(checked.problems(), out);
    } else if (event instanceof Event.ArcDone done) {
      out.addAll(group.arcDone(done.device(), done.arc(), !failure.happened()));
      onDevicesMoved(out);
    } else if (event instanceof Event.ArcFailed failed) {
      out.addAll(group.arcFailed(failed.device(), failed.state()));
      fail(failed.problem(), out);
      onDevicesMoved(out);
    } else if (event instanceof Event.ResetDone done) {
      out.addAll(group.resetDone(done.device()));
      onDevicesMoved(out);
    } else if (event instanceof Event.ResetFailed failed) {
      out.addAll(group.lost(failed.device()));
      onDevicesMoved(out);
    } else if (event instanceof Event.InitialLoaded loaded) {
      if (!failure.happened()) {
        out.add(
            new Action.Send(new Message.InitialDataLoaded(loaded.device(), loaded.generation())));
      }
    } else if (event instanceof Event.StreamLoaded loaded) {
      onStreamLoaded(loaded.stream(), out);
    } else if (event instanceof Event.StreamFailed failed) {
      fail(failed.problem(), out);
    } else if (event instanceof Event.PlatformLoaded) {
      if (step == Step.LOADING_PLATFORM) {
        step = Step.AUDITING;
        out.add(new Action.Audit());
      }
    } else if (event instanceof Event.Audited audited) {
      if (step == Step.AUDITING) {
        step = Step.AWAITING_COMMIT;
        phase = Phase.READY;
        out.add(new Action.Send(new Message.Ready(audited.verdict(), audited.audited())));
      }
    } else if (event instanceof Event.JournalWritten) {
      if (step == Step.JOURNALLING) {
        step = Step.QUIET_START;
        phase = Phase.COMMITTED;
        out.addAll(group.move(device -> device.features().p2p() ? RUNNING_P2P : device.state()));
        onDevicesMoved(out);
      }
    } else if (event instanceof Event.JournalFailed failed) {
      startFailed(failed.problem(), out);
    } else if (event instanceof Event.VmResumed) {
      if (step == Step.RESUMING_VM) {
        phase = Phase.COMPLETED;
        out.add(new Action.Send(new Message.Running()));
        out.add(new Action.CancelTimer(Timer.of(Timer.Kind.START)));
        step = Step.ENDED;
        out.add(new Action.Finish(phase, Optional.empty(), true));
      }
    } else if (event instanceof Event.VmFailed failed) {
      fail(failed.problem(), out);
    } else {
      throw new IllegalStateException("a destination is never told " + event);
    }
  }

  private void onMessage(Message message, List<Action> out) {
    if (failure.happened()) {
      return;
    }
    if (message instanceof Message.Abort abort && !committed()) {
      linkUp = false;
      Problem theirs = abort.problem();
      fail(
          new Problem(
              theirs.code(),
              theirs.device(),
              "the source gave up: " + theirs.text(),
              theirs.state(),
              theirs.condition()),
          out);
    } else if (message instanceof Message.Offer offer && step == Step.AWAITING_OFFER) {
      step = Step.CHECKING;
      out.add(new Action.CheckOffer(offer));
    } else if (message instanceof Message.InitialDataSent sent
        && step == Step.LOADING
        && sent.device() >= 0
        && sent.device() < group.devices().size()) {
      out.add(new Action.WatchInitialData(sent.device(), sent.generation(), sent.chunks()));
    } else if (message instanceof Message.Switchover && step == Step.LOADING) {
      phase = Phase.STOP_COPY;
      out.add(
          new Action.SetTimer(
              Timer.of(Timer.Kind.SWITCHOVER), settings.switchoverDeadlineMillis()));
    } else if (message instanceof Message.StreamEnd end
        && step == Step.LOADING
        && end.stream() >= 0
        && end.stream() <= platformStream()
        && announcedStreams.add(end.stream())) {
      out.add(
          new Action.ExpectStream(
              new StreamSummary(end.stream(), end.chunks(), end.bytes(), end.digest())));
    } else if (message instanceof Message.Commit && step == Step.AWAITING_COMMIT) {
      step = Step.JOURNALLING;
      out.add(new Action.CancelTimer(Timer.of(Timer.Kind.SWITCHOVER)));
      out.add(new Action.SetTimer(Timer.of(Timer.Kind.START), settings.switchoverDeadlineMillis()));
      out.add(new Action.WriteCommit());
    } else {
      fail(
          Problem.of(
              RuntimeError.PROTOCOL_VIOLATION,
              "the source said "
                  + message.getClass().getSimpleName()
                  + " while the destination was in step "
                  + step),
          out);
    }
  }

  private int platformStream() {
    return group.devices().size() + 1;
  }

  private void onChecked(List<Problem> problems, List<Action> out) {
    if (step != Step.CHECKING) {
      return;
    }
    if (problems.isEmpty()) {
      step = Step.RESUMING_DEVICES;
      out.addAll(group.move(device -> RESUMING));
      onDevicesMoved(out);
      return;
    }
    if (linkUp) {
      out.add(new Action.Send(new Message.Refused(problems)));
      linkUp = false;
    }
    fail(problems.get(0), out);
  }

  private void onStreamLoaded(int stream, List<Action> out) {
    if (step != Step.LOADING) {
      return;
    }
    loadedStreams.add(stream);
    if (stream >= 1 && stream < platformStream()) {
      // Leaving RESUMING is where the device proves the data whole; no need to wait for the others.
      out.addAll(
          group.move(
              device ->
                  device.number() == stream - 1 || device.state() == STOP
                      ? STOP
                      : targetOf(device)));
    }
    onDevicesMoved(out);
  }

  private DeviceState targetOf(TrackedDevice device) {
    return loadedStreams.contains(device.number() + 1) ? STOP : RESUMING;
  }

  private void onDevicesMoved(List<Action> out) {
    switch (step) {
      case RESUMING_DEVICES -> {
        if (group.settled()) {
          step = Step.LOADING;
          phase = Phase.PRECOPY;
          out.add(new Action.CancelTimer(Timer.of(Timer.Kind.SETUP)));
          out.add(new Action.Send(new Message.Admitted(arcTimes.slowest())));
        }
      }
      case LOADING -> {
        boolean everything = loadedStreams.size() == platformStream() + 1;
        if (everything && group.settled()) {
          step = Step.LOADING_PLATFORM;
          out.add(new Action.LoadPlatform());
        }
      }
      case QUIET_START -> {
        if (group.settled()) {
          step = Step.STARTING;
          out.addAll(group.move(device -> RUNNING));
          onDevicesMoved(out);
        }
      }
      case STARTING -> {
        if (group.settled()) {
          step = Step.RESUMING_VM;
          out.add(new Action.ResumeVm());
        }
      }
      case CLEANING -> {
        if (group.quiet()) {
          end(false, out);
        }
      }
      default -> {
        // In the other steps the role does not wait for devices.
      }
    }
  }

  private void onLinkLost(Problem problem, List<Action> out) {
    if (step == Step.AWAITING_COMMIT) {
      failure.is(
          Problem.of(
              RuntimeError.IN_DOUBT,
              "the connection was lost after this side was ready and before COMMIT came; the"
                  + " devices and the guest stay stopped as they are ("
                  + problem.text()
                  + ")"));
      end(false, out);
    } else if (!committed()) {
      fail(problem, out);
    }
  }

  private void onTimer(Timer timer, List<Action> out) {
    switch (timer.kind()) {
      case SETUP ->
          fail(
              Problem.of(
                  RuntimeError.DEADLINE_MISSED,
                  "no virtual machine was offered and admitted within "
                      + settings.setupDeadlineMillis()
                      + " ms"),
              out);
      case ARC -> {
        TrackedDevice device = group.device(timer.device());
        if (device.activity() == TrackedDevice.Activity.IN_ARC) {
          fail(
              device.late(
                  "did not finish the arc from %s within %d ms"
                      .formatted(device.state(), settings.arcDeadlineMillis())),
              out);
          onDevicesMoved(out);
        }
      }
      case RESET -> {
        out.addAll(group.lost(timer.device()));
        onDevicesMoved(out);
      }
      case SWITCHOVER ->
          fail(
              Problem.of(
                  RuntimeError.DEADLINE_MISSED,
                  "the source stopped the guest but did not hand it over within "
                      + settings.switchoverDeadlineMillis()
                      + " ms"),
              out);
      case START ->
          startFailed(
              Problem.of(
                  RuntimeError.DEADLINE_MISSED,
                  "the guest did not start within " + settings.switchoverDeadlineMillis() + " ms"),
              out);
      case ROUND -> throw new IllegalStateException("a destination has no rounds");
    }
  }

  private boolean committed() {
    return switch (step) {
      case JOURNALLING, QUIET_START, STARTING, RESUMING_VM, ENDED -> true;
      default -> false;
    };
  }

  private void fail(Problem problem, List<Action> out) {
    if (committed()) {
      startFailed(problem, out);
      return;
    }
    if (failure.happened()) {
      return;
    }
    failure.is(problem);
    if (linkUp) {
      out.add(new Action.Send(new Message.Abort(problem)));
    }
    for (Timer.Kind kind : List.of(Timer.Kind.SETUP, Timer.Kind.SWITCHOVER)) {
      out.add(new Action.CancelTimer(Timer.of(kind)));
    }
    out.add(new Action.StopTransfers());
    step = Step.CLEANING;
    group.hold();
    // RESUMING can be left by reset only, and half-loaded devices must not stay behind.
    group.devices().stream()
        .filter(
            device -> device.state() != RUNNING || device.activity() != TrackedDevice.Activity.IDLE)
        .filter(device -> device.activity() != TrackedDevice.Activity.LOST)
        .forEach(device -> out.addAll(group.reset(device.number())));
    onDevicesMoved(out);
  }

  private void startFailed(Problem problem, List<Action> out) {
    if (step == Step.ENDED) {
      return;
    }
    failure.is(problem);
    if (linkUp) {
      out.add(new Action.Send(new Message.StartFailed(problem)));
    }
    end(false, out);
  }

  private void end(boolean guestRuns, List<Action> out) {
    step = Step.ENDED;
    phase = failure.phase();
    out.add(new Action.Finish(phase, failure.problem(), guestRuns));
  }
}
