package io.vferry.runtime.migration;

import static io.vferry.spi.state.DeviceState.PRE_COPY;
import static io.vferry.spi.state.DeviceState.PRE_COPY_P2P;
import static io.vferry.spi.state.DeviceState.RUNNING;
import static io.vferry.spi.state.DeviceState.RUNNING_P2P;
import static io.vferry.spi.state.DeviceState.STOP;
import static io.vferry.spi.state.DeviceState.STOP_COPY;

import io.vferry.runtime.plan.Settings;
import io.vferry.runtime.report.Phase;
import java.util.List;

/**
 * Stops the guest and its devices and sends what is left: page requests are settled, the vCPUs
 * stop, all devices go quiet before any of them stops, then everything is saved.
 */
final class Switchover {

  private final SourceCourse course;
  private final DeviceGroup group;
  private final Settings settings;
  private int endedStreams;

  Switchover(SourceCourse course, DeviceGroup group, Settings settings) {
    this.course = course;
    this.group = group;
    this.settings = settings;
  }

  void begin(List<Action> out) {
    course.enter(SourceStep.SETTLING, Phase.SWITCHOVER);
    out.add(new Action.SettlePageRequests(settings.arcDeadlineMillis()));
  }

  void pageRequestsSettled(List<Action> out) {
    course.enter(SourceStep.PAUSING);
    out.add(new Action.PauseVm());
  }

  /** The vCPUs stand still: the devices go quiet. */
  void guestPaused(List<Action> out) {
    course.enter(SourceStep.QUIESCING);
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
    devicesMoved(out);
  }

  /** Goes on when the last device has arrived. */
  void devicesMoved(List<Action> out) {
    if (course.in(SourceStep.QUIESCING) && group.settled()) {
      course.enter(SourceStep.STOPPING);
      out.addAll(group.move(device -> device.state().saving() ? STOP_COPY : STOP));
    }
    if (course.in(SourceStep.STOPPING) && group.settled()) {
      course.enter(SourceStep.STOP_COPY, Phase.STOP_COPY);
      out.addAll(group.move(device -> STOP_COPY));
      out.add(new Action.SendLastMemory());
      out.add(new Action.SendPlatform());
    }
  }

  /** A device with pre-copy may reach the end of its stream before the others have stopped. */
  void streamEnded(StreamSummary summary, List<Action> out) {
    out.add(
        new Action.Send(
            new Message.StreamEnd(
                summary.stream(), summary.chunks(), summary.bytes(), summary.digest())));
    endedStreams++;
    if (course.in(SourceStep.STOP_COPY) && endedStreams == group.devices().size() + 2) {
      course.enter(SourceStep.AWAITING_READY, Phase.READY);
    }
  }
}
