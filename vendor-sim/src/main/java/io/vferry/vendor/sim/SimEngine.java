package io.vferry.vendor.sim;

import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostClock;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * What the device does by itself, in ticks of the clock: it changes its own memory, writes numbered
 * pages into its DMA area, works on tasks, sends numbered messages to its peers.
 *
 * <p>Guarded by the lock of the hardware, except the delivery of messages and interrupts, which
 * calls into others and holds no lock.
 */
final class SimEngine {

  /** A message on its way to a peer. */
  private record Message(long dueNanos, long address, ByteBuffer bytes) {}

  private static final int MAX_EVENTS = 4096;
  private static final int MAX_MESSAGES = 256;
  private static final long MAX_ELAPSED_NANOS = 1_000_000_000L;

  private final SimHardware hardware;
  private final SimSettings settings;
  private final HostClock clock;
  private final SimPattern pattern;
  private final SimRate changes;
  private final SimRate writes;
  private final SimRate messages;
  private final Deque<Message> onTheWay = new ArrayDeque<>();
  private final Deque<Long> tasksDueNanos = new ArrayDeque<>();
  private HostClock.@Nullable Scheduled tick;
  private long lastNanos;
  private long life;
  private boolean repeated;

  SimEngine(SimHardware hardware, SimSettings settings, HostClock clock, SimPattern pattern) {
    this.hardware = hardware;
    this.settings = settings;
    this.clock = clock;
    this.pattern = pattern;
    this.changes = new SimRate((double) settings.dirtyBytesPerSecond() / SimPattern.PAGE_BYTES);
    this.writes = new SimRate((double) settings.dmaBytesPerSecond() / SimPattern.PAGE_BYTES);
    this.messages = new SimRate(settings.messagesPerSecond());
  }

  /** Starts or ends the ticks, as the state and the guest's set-up demand. */
  void update() {
    SimCore core = hardware.core();
    boolean wanted =
        settings.work()
            && core.enabled()
            && SimConfigSpace.busMaster(core.config)
            && (hardware.operating() || settings.faults().rogue());
    if (!wanted) {
      halt();
    } else if (tick == null) {
      lastNanos = clock.nanoTime();
      long born = life;
      tick = clock.schedule(settings.tickNanos(), () -> tick(born));
    }
  }

  /** Ends the ticks; messages on their way go on. */
  void halt() {
    if (tick != null) {
      tick.cancel();
      tick = null;
      life++;
    }
  }

  /** Forgets everything, as a reset does. */
  void forget() {
    halt();
    life++;
    onTheWay.clear();
    tasksDueNanos.clear();
  }

  /** Takes up tasks that came with a loaded state. */
  void loaded() {
    tasksDueNanos.clear();
  }

  /** Returns the number of messages that have left and not arrived. */
  int outstanding() {
    return onTheWay.size();
  }

  private void tick(long born) {
    synchronized (hardware) {
      if (born != life) {
        return;
      }
      tick = null;
      long now = clock.nanoTime();
      work(now, Math.min(now - lastNanos, MAX_ELAPSED_NANOS));
      update();
      lastNanos = now;
    }
    hardware.deliverInterrupts();
  }

  private void work(long now, long elapsedNanos) {
    SimCore core = hardware.core();
    changeMemory(core, changes.due(elapsedNanos, MAX_EVENTS));
    writePages(core, writes.due(elapsedNanos, MAX_EVENTS));
    fetchTasks(core, now);
    completeTasks(core, now);
    sendMessages(core, now, messages.due(elapsedNanos, MAX_MESSAGES));
  }

  private void changeMemory(SimCore core, int count) {
    SimBulk bulk = hardware.bulk();
    for (int change = 0; change < count && bulk.pages() > 0 && hardware.operating(); change++) {
      core.memoryFingerprint +=
          bulk.change((int) Long.remainderUnsigned(random(core), bulk.pages()));
    }
  }

  private void writePages(SimCore core, int count) {
    int pages = core.pageSequence.length;
    for (int write = 0; write < count && pages > 0; write++) {
      int page = (int) Long.remainderUnsigned(random(core), pages);
      long address = core.dmaBase + ((long) page << SimPattern.PAGE_SHIFT);
      ByteBuffer memory = reach(core, address, SimPattern.PAGE_BYTES, DmaSpace.Direction.WRITE);
      if (memory != null) {
        core.dmaWrites++;
        core.pageSequence[page] = core.dmaWrites;
        pattern.fill(memory, 0, SimPattern.PAGE_BYTES, core.tag, page, core.dmaWrites);
        finish(core, address, memory);
      }
    }
  }

  private void finish(SimCore core, long address, ByteBuffer memory) {
    if (!hardware.dmaSpace().arrives(address, memory)) {
      core.dmaFaults++;
    }
    hardware.dmaLog().written(address);
  }

  private void fetchTasks(SimCore core, long now) {
    while (core.fetched < core.doorbell && core.inFlight.size() < SimCore.MAX_IN_FLIGHT) {
      ByteBuffer entry =
          reach(
              core,
              SimTask.entry(core.ringSubmit, core.fetched),
              SimRegisters.ENTRY_BYTES,
              DmaSpace.Direction.READ);
      if (entry == null) {
        return;
      }
      core.fetched++;
      if (SimTask.submissionHolds(entry, core.fetched)) {
        core.inFlight.add(new SimCore.Task(core.fetched, SimTask.payload(entry)));
      } else {
        core.badTasks++;
      }
    }
    while (tasksDueNanos.size() < core.inFlight.size()) {
      tasksDueNanos.add(now + settings.taskNanos());
    }
  }

  private void completeTasks(SimCore core, long now) {
    while (!tasksDueNanos.isEmpty() && tasksDueNanos.element() <= now) {
      SimCore.Task task = core.inFlight.element();
      if (task.number() != settings.faults().dropTask()) {
        long address = SimTask.entry(core.ringComplete, core.completed);
        ByteBuffer entry = reach(core, address, SimRegisters.ENTRY_BYTES, DmaSpace.Direction.WRITE);
        if (entry == null) {
          return;
        }
        SimTask.complete(entry, task.number(), task.payload());
        finish(core, address, entry);
        core.completed++;
        core.tasksDone++;
        hardware.raise(SimRegisters.VECTOR_TASKS);
        if (task.number() == settings.faults().repeatTask() && !repeated) {
          repeated = true;
          continue;
        }
      }
      core.inFlight.remove();
      tasksDueNanos.remove();
    }
  }

  private void sendMessages(SimCore core, long now, int count) {
    for (int round = 0; round < count; round++) {
      for (SimCore.Peer peer : core.peers) {
        if (peer.address == 0 || !hardware.mayStartP2p() || onTheWay.size() >= MAX_MESSAGES) {
          continue;
        }
        peer.sent++;
        core.messagesSent++;
        onTheWay.add(
            new Message(
                now + settings.messageNanos(),
                peer.address + (long) peer.slot() * SimRegisters.ENTRY_BYTES,
                SimMailbox.message(core.tag, peer.epoch(), peer.sent)));
        if (onTheWay.size() == 1) {
          scheduleDelivery(settings.messageNanos());
        }
      }
    }
  }

  private void scheduleDelivery(long delayNanos) {
    long born = life();
    clock.schedule(delayNanos, () -> deliver(born));
  }

  /** Grows at a reset only, so that a message outlives a halt. */
  private long life() {
    return hardware.resets();
  }

  private void deliver(long born) {
    while (true) {
      Message message;
      synchronized (hardware) {
        message = born == life() ? onTheWay.peek() : null;
        if (message == null) {
          return;
        }
        long wait = message.dueNanos - clock.nanoTime();
        if (wait > 0) {
          scheduleDelivery(wait);
          return;
        }
      }
      boolean arrived = hardware.dmaSpace().send(message.address, message.bytes);
      synchronized (hardware) {
        if (born != life()) {
          return;
        }
        onTheWay.remove();
        if (!arrived) {
          hardware.core().dmaFaults++;
        }
      }
    }
  }

  private @Nullable ByteBuffer reach(
      SimCore core, long address, int length, DmaSpace.Direction direction) {
    if (!hardware.operating()) {
      core.dmaWhileStopped++;
    }
    ByteBuffer memory = hardware.dmaSpace().memory(address, length, direction);
    if (memory == null) {
      memory = hardware.dmaSpace().stage(address, length, direction);
    }
    if (memory == null) {
      core.dmaFaults++;
      return null;
    }
    return memory.order(ByteOrder.LITTLE_ENDIAN);
  }

  private static long random(SimCore core) {
    core.randomState += 0x9e3779b97f4a7c15L;
    return SimPattern.mix(core.randomState);
  }
}
