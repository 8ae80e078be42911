package io.vferry.runtime.engine;

import io.vferry.runtime.journal.Journal;
import io.vferry.runtime.migration.Action;
import io.vferry.runtime.migration.SourceRole;
import io.vferry.runtime.plan.Settings;
import io.vferry.runtime.report.MigrationStatus;
import io.vferry.runtime.report.ProgressListener;
import io.vferry.runtime.transport.ChunkPool;
import io.vferry.runtime.transport.ChunkSender;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.util.ArrayList;
import java.util.List;

/** Runs the source's role over a machine, a way to send, and whoever steps the agents. */
public final class SourceEngine extends Engine {

  /** Enough for each device to fill one chunk while one is sent, at a fixed bound. */
  private static final long POOL_BYTES = 32L << 20;

  private final ChunkSender sender;
  private final List<SavingDevice> devices = new ArrayList<>();
  private final MemorySource memory;

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
    super(
        machine,
        new SourceRole(machine.offer(), machine.roleDevices(), settings),
        link,
        journal,
        clock,
        host,
        listener);
    this.sender = sender;
    SendContext context = new SendContext(sender, new ChunkPool(POOL_BYTES), agent());
    machine.devices().forEach(device -> devices.add(new SavingDevice(device, context)));
    this.memory = new MemorySource(machine.vm(), devices, context);
  }

  @Override
  List<SavingDevice> devices() {
    return devices;
  }

  @Override
  MemorySource memory() {
    return memory;
  }

  /** Adds what a connection moved to the timeline. Any thread. */
  public void connectionMoved(int number, long fromNanos, long toNanos, long bytes) {
    agent().between(() -> recorder().connection(number, fromNanos, toNanos, bytes));
  }

  @Override
  void performOwn(Action action) {
    if (action instanceof Action.StartDirtyLog) {
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
    } else if (action instanceof Action.SendPlatform) {
      memory.sendPlatform();
    } else {
      throw new IllegalStateException("a source does not do " + action);
    }
  }

  @Override
  boolean sourceRuns(Action.Finish finish) {
    return finish.guestRuns();
  }

  @Override
  MigrationStatus.Ram ram() {
    return new MigrationStatus.Ram(
        recorder().memoryTotalBytes(),
        memory.movedBytes(),
        recorder().memoryRemainingBytes(),
        recorder().rounds(),
        recorder().dirtyBytesPerSecond(),
        recorder().bytesPerSecond());
  }
}
