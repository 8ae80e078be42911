package io.vferry.runtime.engine;

import io.vferry.runtime.journal.Journal;
import io.vferry.runtime.migration.Action;
import io.vferry.runtime.migration.Event;
import io.vferry.runtime.migration.Message;
import io.vferry.runtime.migration.Problem;
import io.vferry.runtime.migration.Role;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.MigrationStatus;
import io.vferry.runtime.report.ProgressListener;
import io.vferry.spi.host.HostClock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Runs the role of one side over a machine and whoever steps the agents. */
public abstract sealed class Engine permits SourceEngine, DestinationEngine {

  private final OpenMachine machine;
  private final Role role;
  private final HostClock clock;
  private final AgentHost host;
  private final ProgressListener listener;
  private final RoleAgent agent;
  private final Recorder recorder;
  private final CompletableFuture<MigrationReport> result = new CompletableFuture<>();

  Engine(
      OpenMachine machine,
      Role role,
      PeerLink link,
      Journal journal,
      HostClock clock,
      AgentHost host,
      ProgressListener listener) {
    this.machine = machine;
    this.role = role;
    this.clock = clock;
    this.host = host;
    this.listener = listener;
    this.recorder =
        new Recorder(
            machine,
            new Recorder.Bytes() {
              @Override
              public long memory() {
                return Engine.this.memory().movedBytes();
              }

              @Override
              public long device(int number) {
                return devices().get(number).movedBytes();
              }
            },
            clock.nanoTime());
    this.agent = new RoleAgent(role, recorder, link, journal, clock, this::perform, this::tell);
  }

  /** Returns the agents of the devices, in manifest order. */
  abstract List<? extends DeviceMover> devices();

  abstract MemoryMover memory();

  /** Does what only this side does. */
  abstract void performOwn(Action action);

  /** Returns whether the guest runs on the source after the end. */
  abstract boolean sourceRuns(Action.Finish finish);

  /** Returns how the memory stands. */
  abstract MigrationStatus.Ram ram();

  final OpenMachine machine() {
    return machine;
  }

  final RoleAgent agent() {
    return agent;
  }

  final Recorder recorder() {
    return recorder;
  }

  /** Begins: the connection stands. */
  public final void start() {
    devices().forEach(device -> device.wakes(host.start(device)));
    memory().wakes(host.start(memory()));
    agent.wakes(host.start(agent));
    agent.accept(new Event.Started());
  }

  /** Tells the engine what the other side said. Any thread. */
  public final void received(Message message) {
    agent.accept(new Event.Received(message));
  }

  /** Tells the engine that the connection is gone. Any thread. */
  public final void linkLost(Problem problem) {
    agent.accept(new Event.LinkLost(problem));
  }

  /** Stops the migration if it is not too late. Any thread. */
  public final void cancel() {
    agent.accept(new Event.CancelRequested());
  }

  /** Returns the report, once the migration is over. */
  public final CompletableFuture<MigrationReport> result() {
    return result;
  }

  /** Has the listener told how things stand. Any thread. */
  public final void tick() {
    agent.between(this::tell);
  }

  private void perform(Action action) {
    if (action instanceof Action.Perform perform) {
      devices().get(perform.device()).perform(perform.arc());
    } else if (action instanceof Action.Reset reset) {
      devices().get(reset.device()).reset(host);
    } else if (action instanceof Action.ResumeVm) {
      memory().resume();
    } else if (action instanceof Action.StopTransfers) {
      memory().stopTransfer();
      devices().forEach(DeviceMover::stopTransfer);
    } else if (action instanceof Action.Finish finish) {
      recorder.phase(finish.end(), clock.nanoTime());
      result.complete(
          recorder.report(
              finish.end(), role.expectedDowntime(), finish.failure(), sourceRuns(finish)));
    } else {
      performOwn(action);
    }
  }

  private void tell() {
    long now = clock.nanoTime();
    List<MigrationStatus.Device> status = new ArrayList<>();
    for (OpenDevice device : machine.devices()) {
      DeviceMover mover = devices().get(device.number());
      status.add(
          new MigrationStatus.Device(
              device.id(),
              role.deviceState(device.number()),
              mover.movedBytes(),
              mover.remainingBytes(),
              mover.ended()));
    }
    listener.progress(
        new MigrationStatus(
            role.phase(), recorder.totalMillis(now), role.expectedDowntime(), ram(), status));
  }
}
