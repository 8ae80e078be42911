package io.vferry.runtime.engine;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.journal.Journal;
import io.vferry.runtime.migration.Action;
import io.vferry.runtime.migration.DestinationRole;
import io.vferry.runtime.migration.Event;
import io.vferry.runtime.migration.Message;
import io.vferry.runtime.migration.Problem;
import io.vferry.runtime.migration.StreamSummary;
import io.vferry.runtime.plan.Settings;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.MigrationStatus;
import io.vferry.runtime.report.ProgressListener;
import io.vferry.runtime.transport.Chunk;
import io.vferry.runtime.transport.ChunkListener;
import io.vferry.runtime.transport.Credit;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/** Runs the destination's role over a machine, what arrives, and whoever steps the agents. */
public final class DestinationEngine implements ChunkListener {

  private final OpenMachine machine;
  private final HostClock clock;
  private final AgentHost host;
  private final ProgressListener listener;
  private final DestinationRole role;
  private final RoleAgent agent;
  private final Recorder recorder;
  private final List<LoadingDevice> devices = new ArrayList<>();
  private final MemorySink memory;
  private final CompletableFuture<MigrationReport> result = new CompletableFuture<>();

  /**
   * Creates the engine; nothing is taken yet.
   *
   * @param link where messages go
   */
  public DestinationEngine(
      OpenMachine machine,
      Settings settings,
      PeerLink link,
      Journal journal,
      HostClock clock,
      AgentHost host,
      ProgressListener listener) {
    this.machine = machine;
    this.clock = clock;
    this.host = host;
    this.listener = listener;
    this.role = new DestinationRole(machine.roleDevices(), settings);
    this.recorder =
        new Recorder(
            machine,
            new Recorder.Bytes() {
              @Override
              public long memory() {
                return memoryLoaded();
              }

              @Override
              public long device(int number) {
                return devices.get(number).loadedBytes();
              }
            },
            clock.nanoTime());
    this.agent = new RoleAgent(role, recorder, link, journal, clock, this::perform, this::tell);
    machine.devices().forEach(device -> devices.add(new LoadingDevice(device, agent)));
    this.memory = new MemorySink(machine.vm(), devices.size(), agent);
  }

  private long memoryLoaded() {
    return memory.loadedBytes();
  }

  /** Begins: the connection stands. */
  public void start() {
    devices.forEach(device -> device.wakes(host.start(device)));
    memory.wakes(host.start(memory));
    agent.wakes(host.start(agent));
    agent.accept(new Event.Started());
  }

  /** Takes data from the source. */
  @Override
  public void chunk(Chunk chunk, ByteBuffer payload, Credit credit) throws MigrationException {
    int stream = chunk.stream();
    if (stream == Chunk.MEMORY_STREAM || stream == devices.size() + 1) {
      memory.chunk(chunk, payload, credit);
    } else if (stream <= devices.size()) {
      devices.get(stream - 1).chunk(chunk, payload, credit);
    } else {
      credit.release();
      throw new MigrationException(
          RuntimeError.PROTOCOL_VIOLATION, "the source sent data for unknown stream " + stream);
    }
  }

  /** Tells the engine what the source said. Any thread. */
  public void received(Message message) {
    agent.accept(new Event.Received(message));
  }

  /** Tells the engine that the connection is gone. Any thread. */
  public void linkLost(Problem problem) {
    agent.accept(new Event.LinkLost(problem));
  }

  /** Stops the migration if it is not too late. Any thread. */
  public void cancel() {
    agent.accept(new Event.CancelRequested());
  }

  /** Returns the report, once the migration is over. */
  public CompletableFuture<MigrationReport> result() {
    return result;
  }

  /** Has the listener told how things stand. Any thread. */
  public void tick() {
    agent.between(this::tell);
  }

  private void perform(Action action) {
    if (action instanceof Action.Perform perform) {
      devices.get(perform.device()).perform(perform.arc());
    } else if (action instanceof Action.Reset reset) {
      devices.get(reset.device()).reset(host);
    } else if (action instanceof Action.CheckOffer check) {
      agent.accept(new Event.OfferChecked(new Admission(machine).check(check.offer())));
    } else if (action instanceof Action.WatchInitialData watch) {
      devices.get(watch.device()).watch(watch.generation(), watch.chunks());
    } else if (action instanceof Action.ExpectStream expect) {
      expect(expect.summary());
    } else if (action instanceof Action.StopTransfers) {
      memory.stopTransfer();
      devices.forEach(LoadingDevice::stopTransfer);
    } else if (action instanceof Action.LoadPlatform) {
      memory.loadPlatform();
    } else if (action instanceof Action.Audit) {
      memory.audit();
    } else if (action instanceof Action.ResumeVm) {
      memory.resume();
    } else if (action instanceof Action.Finish finish) {
      recorder.phase(finish.end(), clock.nanoTime());
      result.complete(
          recorder.report(finish.end(), OptionalDouble.empty(), finish.failure(), false));
    } else {
      throw new IllegalStateException("a destination does not do " + action);
    }
  }

  private void expect(StreamSummary summary) {
    if (summary.stream() >= 1 && summary.stream() <= devices.size()) {
      devices.get(summary.stream() - 1).expect(summary);
    } else {
      memory.expect(summary);
    }
  }

  private void tell() {
    List<MigrationStatus.Device> status = new ArrayList<>();
    for (OpenDevice device : machine.devices()) {
      status.add(
          new MigrationStatus.Device(
              device.id(),
              role.deviceState(device.number()),
              devices.get(device.number()).loadedBytes(),
              0,
              false));
    }
    listener.progress(
        new MigrationStatus(
            role.phase(),
            recorder.totalMillis(clock.nanoTime()),
            OptionalLong.empty(),
            new MigrationStatus.Ram(recorder.memoryTotalBytes(), memory.loadedBytes(), 0, 0, 0, 0),
            status));
  }
}
