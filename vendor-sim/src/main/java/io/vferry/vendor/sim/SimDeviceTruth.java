package io.vferry.vendor.sim;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** What the device knows about itself, for the proof that nothing was lost. */
@FunctionalInterface
interface SimDeviceTruth {

  /** Returns the truth of now. */
  Snapshot snapshot();

  /** What the device sent to one peer. */
  record Sent(long address, long epoch, int channel, long count) {}

  /**
   * The device's counters and what is wrong with it.
   *
   * @param pageSequences number of the last write to each page of the DMA area
   * @param inFlight numbers of the tasks fetched and not completed
   * @param outstanding messages that left and did not arrive
   * @param localMemory what is in the memory that the guest maps; not to be changed
   * @param violations one sentence each
   */
  record Snapshot(
      DeviceState state,
      long tag,
      long dmaBase,
      List<Long> pageSequences,
      long dmaWrites,
      long doorbell,
      long fetched,
      long completed,
      long tasksDone,
      List<Long> inFlight,
      List<Sent> sent,
      List<Long> channelEpochs,
      List<Long> received,
      long messagesReceived,
      long irqStatus,
      int irqPending,
      long scratch,
      int outstanding,
      ByteBuffer localMemory,
      List<String> violations) {

    static Snapshot of(SimHardware hardware) {
      synchronized (hardware) {
        SimCore core = hardware.core();
        List<Sent> sent = new ArrayList<>();
        for (SimCore.Peer peer : core.peers) {
          if (peer.address != 0) {
            sent.add(new Sent(peer.address, peer.epoch(), peer.slot(), peer.sent));
          }
        }
        List<String> violations = new ArrayList<>();
        tell(violations, core.messagesWhileStopped, "peer-to-peer messages arrived while stopped");
        tell(violations, core.messageGaps, "peer-to-peer messages came out of order or damaged");
        tell(violations, core.dmaWhileStopped, "DMA accesses were started while stopped");
        tell(violations, core.dmaFaults, "DMA accesses reached no memory");
        tell(violations, core.badTasks, "tasks were submitted that make no sense");
        if (core.memoryFingerprint != hardware.bulk().fingerprint()) {
          violations.add("the versions of the pages of the device state are not the last ones");
        }
        violations.addAll(hardware.bulk().wrongPages());
        return new Snapshot(
            hardware.state(),
            core.tag,
            core.dmaBase,
            Arrays.stream(core.pageSequence).boxed().toList(),
            core.dmaWrites,
            core.doorbell,
            core.fetched,
            core.completed,
            core.tasksDone,
            core.inFlight.stream().map(SimCore.Task::number).toList(),
            List.copyOf(sent),
            Arrays.stream(core.channelEpoch).boxed().toList(),
            Arrays.stream(core.received).boxed().toList(),
            core.messagesReceived,
            core.irqStatus,
            core.irqPending,
            core.scratch,
            hardware.engine().outstanding(),
            localMemory(hardware, violations),
            List.copyOf(violations));
      }
    }

    private static ByteBuffer localMemory(SimHardware hardware, List<String> violations) {
      try {
        Optional<SimLocalMemory> memory = hardware.localMemory();
        return memory.isPresent()
            ? ByteBuffer.wrap(memory.get().content()).asReadOnlyBuffer()
            : ByteBuffer.allocate(0);
      } catch (MigrationException e) {
        violations.add(e.detail());
        return ByteBuffer.allocate(0);
      }
    }

    private static void tell(List<String> violations, long count, String what) {
      if (count > 0) {
        violations.add(count + " " + what);
      }
    }
  }
}
