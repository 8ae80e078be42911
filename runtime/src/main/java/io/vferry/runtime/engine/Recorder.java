package io.vferry.runtime.engine;

import io.vferry.runtime.migration.Action;
import io.vferry.runtime.migration.Event;
import io.vferry.runtime.migration.Message;
import io.vferry.runtime.migration.Problem;
import io.vferry.runtime.report.ExpectedDowntime;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.Phase;
import io.vferry.runtime.report.TimelineSpan;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.vm.GuestAudit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the record of one side: sees each event and action pass with its time, and makes the report
 * of them. On the role's thread only.
 */
final class Recorder {

  private static final double NANOS_PER_MILLI = 1e6;

  /** A span that has begun. */
  private record Open(String name, long beganNanos, long beganBytes) {}

  private static final class DeviceRecord {
    private final OpenDevice device;
    private final List<DeviceState> path = new ArrayList<>(List.of(DeviceState.RUNNING));
    private final List<MigrationReport.ArcTime> arcs = new ArrayList<>();
    private @Nullable Open arc;
    private @Nullable Open transfer;
    private long precopyBytes;

    DeviceRecord(OpenDevice device) {
      this.device = device;
    }
  }

  /** Where the numbers of bytes come from. */
  interface Bytes {
    /** Of memory, so far. */
    long memory();

    /** Of one device, so far. */
    long device(int number);
  }

  private final OpenMachine machine;
  private final Bytes bytes;
  private final List<DeviceRecord> devices = new ArrayList<>();
  private final List<TimelineSpan> spans = new ArrayList<>();
  private final long beganNanos;
  private final long memoryTotalBytes;
  private long endedNanos;
  private @Nullable Long precopyNanos;
  private @Nullable Long pauseNanos;
  private @Nullable Long runningNanos;
  private Phase phase = Phase.SETUP;
  private long phaseNanos;
  private @Nullable Open memoryRound;
  private int rounds;
  private long precopyMemoryBytes;
  private long lastDirtyBytes;
  private long dirtyBytesPerSecond;
  private long lastSyncNanos;
  private long bytesPerSecond;
  private Optional<GuestAudit.Verdict> audit = Optional.empty();

  Recorder(OpenMachine machine, Bytes bytes, long nowNanos) {
    this.machine = machine;
    this.bytes = bytes;
    this.beganNanos = nowNanos;
    this.phaseNanos = nowNanos;
    this.lastSyncNanos = nowNanos;
    this.endedNanos = nowNanos;
    this.memoryTotalBytes =
        machine.vm().memory().layout().stream().mapToLong(range -> range.length()).sum();
    machine.devices().forEach(device -> devices.add(new DeviceRecord(device)));
  }

  void phase(Phase now, long nowNanos) {
    endedNanos = nowNanos;
    if (now == phase) {
      return;
    }
    span("phases", phase.label(), TimelineSpan.Kind.PHASE, phaseNanos, nowNanos, 0);
    if (now == Phase.PRECOPY) {
      precopyNanos = nowNanos;
    }
    phase = now;
    phaseNanos = nowNanos;
  }

  void action(Action action, long nowNanos) {
    if (action instanceof Action.Perform perform) {
      DeviceRecord device = devices.get(perform.device());
      device.arc = new Open(perform.arc().toString(), nowNanos, 0);
    } else if (action instanceof Action.Reset reset) {
      devices.get(reset.device()).arc = new Open("reset", nowNanos, 0);
    } else if (action instanceof Action.SendMemory) {
      rounds++;
      memoryRound = new Open("round " + rounds, nowNanos, bytes.memory());
    } else if (action instanceof Action.SendLastMemory) {
      memoryRound = new Open("last round", nowNanos, bytes.memory());
    } else if (action instanceof Action.PauseVm) {
      pauseNanos = nowNanos;
      precopyMemoryBytes = bytes.memory();
      for (DeviceRecord device : devices) {
        device.precopyBytes = bytes.device(device.device.number());
      }
    }
  }

  void event(Event event, long nowNanos) {
    if (event instanceof Event.ArcDone done) {
      arcDone(done.device(), done.arc(), nowNanos);
    } else if (event instanceof Event.ArcFailed failed) {
      endArc(devices.get(failed.device()), failed.arc() + " (failed)", failed.state(), nowNanos);
    } else if (event instanceof Event.ResetDone done) {
      endArc(devices.get(done.device()), "reset", DeviceState.RUNNING, nowNanos);
    } else if (event instanceof Event.ResetFailed failed) {
      endArc(devices.get(failed.device()), "reset (failed)", DeviceState.ERROR, nowNanos);
    } else if (event instanceof Event.MemorySent sent) {
      endRound(sent.bytes(), nowNanos);
    } else if (event instanceof Event.MemoryEnded) {
      endRound(0, nowNanos);
    } else if (event instanceof Event.MemorySynced synced) {
      lastDirtyBytes = synced.dirtyBytes();
      dirtyBytesPerSecond = rate(synced.newBytes(), nowNanos - lastSyncNanos);
      lastSyncNanos = nowNanos;
    } else if (event instanceof Event.SaveEnded ended) {
      endTransfer(devices.get(ended.device()), nowNanos);
    } else if (event instanceof Event.StreamLoaded loaded
        && loaded.stream() >= 1
        && loaded.stream() <= devices.size()) {
      endTransfer(devices.get(loaded.stream() - 1), nowNanos);
    } else if (event instanceof Event.Audited audited && audited.audited()) {
      audit = Optional.of(audited.verdict());
    } else if (event instanceof Event.VmResumed && pauseNanos != null && runningNanos == null) {
      runningNanos = nowNanos;
    } else if (event instanceof Event.Received received) {
      message(received.message(), nowNanos);
    }
  }

  private void message(Message message, long nowNanos) {
    if (message instanceof Message.Running) {
      runningNanos = nowNanos;
    } else if (message instanceof Message.Switchover) {
      pauseNanos = nowNanos;
      precopyMemoryBytes = bytes.memory();
    } else if (message instanceof Message.Ready ready && ready.audited()) {
      audit = Optional.of(ready.audit());
    }
  }

  private void arcDone(int number, Arc arc, long nowNanos) {
    DeviceRecord device = devices.get(number);
    endArc(device, arc.toString(), arc.to(), nowNanos);
    if (arc.opensSaveStream() || arc.opensLoadStream()) {
      device.transfer = new Open("data", nowNanos, bytes.device(number));
    } else if (arc.endsStream()) {
      endTransfer(device, nowNanos);
    }
  }

  private void endArc(DeviceRecord device, String name, DeviceState to, long nowNanos) {
    Open arc = device.arc;
    device.arc = null;
    device.path.add(to);
    if (arc != null) {
      device.arcs.add(
          new MigrationReport.ArcTime(name, (nowNanos - arc.beganNanos) / NANOS_PER_MILLI));
      span(device.device.id(), name, TimelineSpan.Kind.ARC, arc.beganNanos, nowNanos, 0);
    }
  }

  private void endTransfer(DeviceRecord device, long nowNanos) {
    Open transfer = device.transfer;
    device.transfer = null;
    if (transfer != null) {
      span(
          device.device.id(),
          transfer.name,
          TimelineSpan.Kind.TRANSFER,
          transfer.beganNanos,
          nowNanos,
          bytes.device(device.device.number()) - transfer.beganBytes);
    }
  }

  private void endRound(long sentBytes, long nowNanos) {
    Open round = memoryRound;
    memoryRound = null;
    if (round == null) {
      return;
    }
    if (sentBytes > 0) {
      bytesPerSecond = rate(sentBytes, nowNanos - round.beganNanos);
    }
    span(
        "memory",
        round.name,
        TimelineSpan.Kind.TRANSFER,
        round.beganNanos,
        nowNanos,
        bytes.memory() - round.beganBytes);
  }

  private static long rate(long bytes, long nanos) {
    return nanos <= 0 ? 0 : (long) (bytes * 1e9 / nanos);
  }

  void connection(int number, long fromNanos, long toNanos, long movedBytes) {
    span(
        "connection-" + number,
        "payload",
        TimelineSpan.Kind.TRANSFER,
        fromNanos,
        toNanos,
        movedBytes);
  }

  private void span(
      String lane, String name, TimelineSpan.Kind kind, long from, long to, long movedBytes) {
    spans.add(
        new TimelineSpan(lane, name, kind, millis(from), millis(Math.max(from, to)), movedBytes));
  }

  private double millis(long nanos) {
    return (nanos - beganNanos) / NANOS_PER_MILLI;
  }

  double totalMillis(long nowNanos) {
    return millis(nowNanos);
  }

  long memoryTotalBytes() {
    return memoryTotalBytes;
  }

  /** Memory known to be unsent at the last look, or all of it before the first round is over. */
  long memoryRemainingBytes() {
    return rounds <= 1 && bytesPerSecond == 0
        ? Math.max(0, memoryTotalBytes - bytes.memory())
        : lastDirtyBytes;
  }

  int rounds() {
    return rounds;
  }

  long dirtyBytesPerSecond() {
    return dirtyBytesPerSecond;
  }

  long bytesPerSecond() {
    return bytesPerSecond;
  }

  MigrationReport report(
      Phase end,
      Optional<ExpectedDowntime> expected,
      Optional<Problem> failure,
      boolean sourceRuns) {
    Long pause = pauseNanos;
    Long running = runningNanos;
    OptionalDouble downtime = OptionalDouble.empty();
    if (pause != null && running != null) {
      downtime = OptionalDouble.of((running - pause) / NANOS_PER_MILLI);
      span("vm", "downtime", TimelineSpan.Kind.PAUSE, pause, running, 0);
    }
    span("phases", phase.label(), TimelineSpan.Kind.PHASE, phaseNanos, endedNanos, 0);
    spans.sort(Comparator.comparingDouble(TimelineSpan::startMillis));
    List<MigrationReport.Device> reports = new ArrayList<>();
    long vfio = 0;
    for (DeviceRecord device : devices) {
      long moved = bytes.device(device.device.number());
      vfio += moved;
      reports.add(
          new MigrationReport.Device(
              device.device.id(),
              device.device.driver().id(),
              device.device.address().toString(),
              moved,
              pause == null ? moved : device.precopyBytes,
              device.path,
              device.arcs,
              device.path.get(device.path.size() - 1)));
    }
    long memory = bytes.memory();
    long precopyMemory = pause == null ? memory : precopyMemoryBytes;
    Long precopy = precopyNanos;
    return new MigrationReport(
        machine.name(),
        end,
        millis(endedNanos),
        precopy == null ? millis(endedNanos) : millis(precopy),
        expected,
        downtime,
        new MigrationReport.Ram(
            memoryTotalBytes, memory, precopyMemory, memory - precopyMemory, rounds),
        vfio,
        reports,
        spans,
        audit,
        failure.map(
            problem ->
                new MigrationReport.Failure(
                    problem.code(), problem.device(), problem.text(), sourceRuns)));
  }
}
