package io.vferry.vendor.sim;

import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Queue;

/**
 * The small part of the device's state: what the guest set up, and every counter that must go on.
 * The owner's lock guards it.
 */
final class SimCore {

  /** A task that the device has fetched and not completed. */
  record Task(long number, long payload) {}

  /** Where the guest told the device a peer's mailbox is. */
  static final class Peer {
    long address;
    long channel;
    long sent;

    long epoch() {
      return channel >>> 32;
    }

    int slot() {
      return (int) channel;
    }
  }

  static final int MAX_DMA_PAGES = 4096;
  static final int MAX_IN_FLIGHT = 64;
  private static final int VERSION = 2;

  long seed;
  long randomState;
  long control;
  long ringSubmit;
  long ringComplete;
  long doorbell;
  long fetched;
  long completed;
  long tag;
  long scratch;
  long irqStatus;
  int irqPending;
  long dmaBase;
  long[] pageSequence = new long[0];
  long dmaWrites;

  /** Kept up with each change, apart from the memory, so that a page left behind is seen. */
  long memoryFingerprint;

  long tasksDone;
  long messagesSent;
  long messagesReceived;
  long messagesWhileStopped;
  long messageGaps;
  long dmaWhileStopped;
  long dmaFaults;
  long badTasks;
  byte[] config;

  /** What was in the local memory when it was saved. */
  byte[] localMemory = new byte[0];

  final Queue<Task> inFlight = new ArrayDeque<>();
  final Peer[] peers = new Peer[SimRegisters.PEERS];
  final long[] channelEpoch = new long[SimRegisters.CHANNELS];
  final long[] received = new long[SimRegisters.CHANNELS];

  SimCore(long seed, byte[] config) {
    this.seed = seed;
    this.randomState = SimPattern.mix(seed);
    this.config = config.clone();
    for (int peer = 0; peer < peers.length; peer++) {
      peers[peer] = new Peer();
    }
  }

  boolean enabled() {
    return (control & SimRegisters.CONTROL_ENABLE) != 0;
  }

  ByteBuffer encode() {
    SimWriter out = new SimWriter().u32(VERSION);
    for (long value : scalars()) {
      out.u64(value);
    }
    out.u32(irqPending).longs(pageSequence).u32(inFlight.size());
    for (Task task : inFlight) {
      out.u64(task.number).u64(task.payload);
    }
    for (Peer peer : peers) {
      out.u64(peer.address).u64(peer.channel).u64(peer.sent);
    }
    out.longs(channelEpoch).longs(received).u32(config.length).bytes(config);
    return out.u32(localMemory.length).bytes(localMemory).finish();
  }

  private long[] scalars() {
    return new long[] {
      seed,
      randomState,
      control,
      ringSubmit,
      ringComplete,
      doorbell,
      fetched,
      completed,
      tag,
      scratch,
      irqStatus,
      dmaBase,
      dmaWrites,
      tasksDone,
      messagesSent,
      messagesReceived,
      messagesWhileStopped,
      messageGaps,
      dmaWhileStopped,
      dmaFaults,
      badTasks,
      memoryFingerprint
    };
  }

  /** Reads what {@link #encode} wrote; nothing is taken over before all of it made sense. */
  static SimCore decode(ByteBuffer bytes, int configBytes) throws MigrationException {
    SimReader in = new SimReader("the core of the device state", bytes);
    in.u32("version", VERSION, VERSION);
    SimCore core = new SimCore(in.u64("seed"), new byte[configBytes]);
    core.randomState = in.u64("random state");
    core.control = in.u64("control", 0, SimRegisters.CONTROL_ENABLE);
    core.ringSubmit = in.u64("submission ring");
    core.ringComplete = in.u64("completion ring");
    core.doorbell = in.u64("doorbell", 0, Long.MAX_VALUE);
    core.fetched = in.u64("fetched tasks", 0, core.doorbell);
    core.completed = in.u64("completed tasks", 0, core.fetched);
    core.tag = in.u64("tag");
    core.scratch = in.u64("scratch register");
    core.irqStatus = in.u64("interrupt causes", 0, (1 << SimRegisters.VECTORS) - 1);
    core.dmaBase = in.u64("DMA area");
    core.dmaWrites = in.u64("DMA writes", 0, Long.MAX_VALUE);
    core.tasksDone = in.u64("tasks done", 0, Long.MAX_VALUE);
    core.messagesSent = in.u64("messages sent", 0, Long.MAX_VALUE);
    core.messagesReceived = in.u64("messages received", 0, Long.MAX_VALUE);
    core.messagesWhileStopped = in.u64("messages while stopped", 0, Long.MAX_VALUE);
    core.messageGaps = in.u64("message gaps", 0, Long.MAX_VALUE);
    core.dmaWhileStopped = in.u64("DMA while stopped", 0, Long.MAX_VALUE);
    core.dmaFaults = in.u64("DMA faults", 0, Long.MAX_VALUE);
    core.badTasks = in.u64("bad tasks", 0, Long.MAX_VALUE);
    core.memoryFingerprint = in.u64("memory fingerprint");
    core.irqPending = in.u32("pending interrupts", 0, (1 << SimRegisters.VECTORS) - 1);
    core.pageSequence = in.longs("page sequences", MAX_DMA_PAGES);
    int tasks = in.u32("tasks in flight", 0, MAX_IN_FLIGHT);
    for (int task = 0; task < tasks; task++) {
      core.inFlight.add(new Task(in.u64("task number"), in.u64("task payload")));
    }
    for (Peer peer : core.peers) {
      peer.address = in.u64("peer address");
      peer.channel = in.u64("peer channel");
      peer.sent = in.u64("messages sent", 0, Long.MAX_VALUE);
      if (peer.slot() < 0 || peer.slot() >= SimRegisters.CHANNELS) {
        throw in.corrupt("peer channel " + peer.slot() + " does not exist");
      }
    }
    readInto(core.channelEpoch, in.longs("channel epochs", SimRegisters.CHANNELS), in);
    readInto(core.received, in.longs("messages received", SimRegisters.CHANNELS), in);
    in.u32("config space size", configBytes, configBytes);
    core.config = in.bytes("config space", configBytes);
    core.localMemory =
        in.bytes("local memory", in.u32("local memory size", 0, SimSettings.MAX_LOCAL_BYTES));
    in.end();
    return core;
  }

  private static void readInto(long[] target, long[] values, SimReader in)
      throws MigrationException {
    if (values.length != target.length) {
      throw in.corrupt(values.length + " channels instead of " + target.length);
    }
    System.arraycopy(values, 0, target, 0, target.length);
  }
}
