package io.vferry.runtime.engine;

import io.vferry.runtime.journal.Journal;
import io.vferry.runtime.migration.Action;
import io.vferry.runtime.migration.Event;
import io.vferry.runtime.migration.Message;
import io.vferry.runtime.migration.Problem;
import io.vferry.runtime.migration.SourceRole;
import io.vferry.runtime.plan.Settings;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.MigrationStatus;
import io.vferry.runtime.report.ProgressListener;
import io.vferry.runtime.transport.ChunkPool;
import io.vferry.runtime.transport.ChunkSender;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/** Runs the source's role over a machine, a way to send, and whoever steps the agents. */
public final class SourceEngine {

  /** Enough for each device to fill one chunk while one is sent, at a fixed bound. */
  private static final long POOL_BYTES = 32L << 20;

  private final OpenMachine machine;
  private final HostClock clock;
  private final AgentHost host;
  private final ProgressListener listener;
  private final SourceRole role;
  private final RoleAgent agent;
  private final ChunkSender sender;
  private final Recorder recorder;
  private final List<SavingDevice> devices = new ArrayList<>();
  private final MemorySource memory;
  private final CompletableFuture<MigrationReport> result = new CompletableFuture<>();

  /**
   * Creates the engine; nothing moves yet. Asks devices to describe themselves.
   *
   * @param sender where memory and device data go
   * @param link where messages go
   */
  public SourceEngine(
      OpenMachine machine,
      Settings settings,
      ChunkSender sender,
      PeerLink link,
      Journal journal,
      HostClock clock,
      AgentHost host,
      ProgressListener listener)
      throws MigrationException {
    this.machine = machine;
    this.sender = sender;
    this.clock = clock;
    this.host = host;
    this.listener = listener;
    this.role = new SourceRole(machine.offer(), machine.roleDevices(), settings);
    this.recorder =
        new Recorder(
            machine,
            new Recorder.Bytes() {
              @Override
              public long memory() {
                return memorySent();
              }

              @Override
              public long device(int number) {
                return devices.get(number).sentBytes();
              }
            },
            clock.nanoTime());
    this.agent = new RoleAgent(role, recorder, link, journal, clock, this::perform, this::tell);
    SendContext context = new SendContext(sender, new ChunkPool(POOL_BYTES), agent);
    machine.devices().forEach(device -> devices.add(new SavingDevice(device, context)));
    this.memory = new MemorySource(machine.vm(), devices, context);
  }

  private long memorySent() {
    return memory.sentBytes();
  }

  /** Begins: the connection stands. */
  public void start() {
    devices.forEach(device -> device.wakes(host.start(device)));
    memory.wakes(host.start(memory));
    agent.wakes(host.start(agent));
    agent.accept(new Event.Started());
  }

  /** Tells the engine what the destination said. Any thread. */
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

  /** Adds what a connection moved to the timeline. Any thread. */
  public void connectionMoved(int number, long fromNanos, long toNanos, long bytes) {
    agent.between(() -> recorder.connection(number, fromNanos, toNanos, bytes));
  }

  private void perform(Action action) {
    if (action instanceof Action.Perform perform) {
      devices.get(perform.device()).perform(perform.arc());
    } else if (action instanceof Action.Reset reset) {
      devices.get(reset.device()).reset(host);
    } else if (action instanceof Action.StartDirtyLog) {
      memory.startLog();
    } else if (action instanceof Action.StopDirtyLog) {
      memory.stopLog();
    } else if (action instanceof Action.SendMemory send) {
      memory.send(send.everything());
    } else if (action instanceof Action.SyncMemory) {
      memory.sync();
    } else if (action instanceof Action.SendLastMemory) {
      memory.sendLast();
    } else if (action instanceof Action.SettlePageRequests settle) {
      memory.settlePageRequests(settle.timeoutMillis());
    } else if (action instanceof Action.PauseVm) {
      sender.liftBandwidthLimit();
      memory.pause();
    } else if (action instanceof Action.ResumeVm) {
      memory.resume();
    } else if (action instanceof Action.SendPlatform) {
      memory.sendPlatform();
    } else if (action instanceof Action.StopTransfers) {
      memory.stopTransfer();
      devices.forEach(SavingDevice::stopTransfer);
    } else if (action instanceof Action.Finish finish) {
      recorder.phase(finish.end(), clock.nanoTime());
      result.complete(
          recorder.report(
              finish.end(), role.expectedDowntimeMillis(), finish.failure(), finish.guestRuns()));
    } else {
      throw new IllegalStateException("a source does not do " + action);
    }
  }

  private void tell() {
    long now = clock.nanoTime();
    List<MigrationStatus.Device> status = new ArrayList<>();
    for (OpenDevice device : machine.devices()) {
      status.add(
          new MigrationStatus.Device(
              device.id(),
              role.deviceState(device.number()),
              devices.get(device.number()).sentBytes(),
              devices.get(device.number()).remainingBytes(),
              devices.get(device.number()).ended()));
    }
    OptionalLong expected =
        role.expectedDowntimeMillis().isPresent()
            ? OptionalLong.of(Math.round(role.expectedDowntimeMillis().getAsDouble()))
            : OptionalLong.empty();
    listener.progress(
        new MigrationStatus(
            role.phase(),
            recorder.totalMillis(now),
            expected,
            new MigrationStatus.Ram(
                recorder.memoryTotalBytes(),
                memory.sentBytes(),
                recorder.memoryRemainingBytes(),
                recorder.rounds(),
                recorder.dirtyBytesPerSecond(),
                recorder.bytesPerSecond()),
            status));
  }
}
