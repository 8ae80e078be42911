package io.vferry.runtime.engine;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.journal.Journal;
import io.vferry.runtime.migration.Action;
import io.vferry.runtime.migration.DestinationRole;
import io.vferry.runtime.migration.Event;
import io.vferry.runtime.migration.StreamSummary;
import io.vferry.runtime.plan.Settings;
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

/** Runs the destination's role over a machine, what arrives, and whoever steps the agents. */
public final class DestinationEngine extends Engine implements ChunkListener {

  private final List<LoadingDevice> devices = new ArrayList<>();
  private final MemorySink memory;

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
    super(
        machine,
        new DestinationRole(machine.roleDevices(), settings),
        link,
        journal,
        clock,
        host,
        listener);
    machine.devices().forEach(device -> devices.add(new LoadingDevice(device, agent())));
    this.memory = new MemorySink(machine.vm(), devices.size(), agent());
  }

  @Override
  List<LoadingDevice> devices() {
    return devices;
  }

  @Override
  MemorySink memory() {
    return memory;
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

  @Override
  void performOwn(Action action) {
    if (action instanceof Action.CheckOffer check) {
      agent().accept(new Event.OfferChecked(new Admission(machine()).check(check.offer())));
    } else if (action instanceof Action.WatchInitialData watch) {
      devices.get(watch.device()).watch(watch.generation(), watch.chunks());
    } else if (action instanceof Action.ExpectStream expect) {
      expect(expect.summary());
    } else if (action instanceof Action.LoadPlatform) {
      memory.loadPlatform();
    } else if (action instanceof Action.Audit) {
      memory.audit();
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

  /** Nobody but the source knows that. */
  @Override
  boolean sourceRuns(Action.Finish finish) {
    return false;
  }

  @Override
  MigrationStatus.Ram ram() {
    return new MigrationStatus.Ram(recorder().memoryTotalBytes(), memory.movedBytes(), 0, 0, 0, 0);
  }
}
