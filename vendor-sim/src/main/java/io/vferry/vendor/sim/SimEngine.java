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
 * <p>Guarded by the lock of the hardware, except what calls into others: the delivery of messages
 * and interrupts, and accesses to memory that only another process reaches. Whoever answers for
 * that memory may wait for a register of the device first. So each access is decided on with the
 * lock, carried out without, and taken note of with it again; whoever stops the device waits until
 * none is {@linkplain #underWay() under way}.
 */
final class SimEngine {

  /** A message on its way to a peer. */
  private record Message(long dueNanos, long address, ByteBuffer bytes) {}

  /**
   * An access that was decided on.
   *
   * @param bytes the memory itself, or what goes there or comes from there by message
   * @param resets how often the device had been reset then
   */
  private record Access(long address, ByteBuffer bytes, boolean byMessage, long resets) {}

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
  private boolean working;
  private int underWay;
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
    } else if (tick == null && !working) {
      lastNanos = clock.nanoTime();
      long born = life;
      tick = clock.schedule(settings.tickNanos(), () -> tick(born));
    }
  }

  /** Ends the ticks; an access under way and messages on their way go on. */
  void halt() {
    if (tick != null) {
      tick.cancel();
      tick = null;
      life++;
    } else if (working) {
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

  /** Returns the number of accesses to memory that have begun and not ended. */
  int underWay() {
    return underWay;
  }

  private void tick(long born) {
    long now;
    int writesDue;
    int messagesDue;
    synchronized (hardware) {
      if (born != life) {
        return;
      }
      tick = null;
      working = true;
      now = clock.nanoTime();
      long elapsedNanos = Math.min(now - lastNanos, MAX_ELAPSED_NANOS);
      changeMemory(hardware.core(), changes.due(elapsedNanos, MAX_EVENTS));
      writesDue = writes.due(elapsedNanos, MAX_EVENTS);
      messagesDue = messages.due(elapsedNanos, MAX_MESSAGES);
    }
    try {
      work(born, now, writesDue, messagesDue);
    } finally {
      synchronized (hardware) {
        working = false;
        boolean goesOn = born == life;
        update();
        if (goesOn) {
          lastNanos = now;
        }
      }
    }
    hardware.deliverInterrupts();
  }

  private void work(long born, long now, int writesDue, int messagesDue) {
    int written = 0;
    while (written < writesDue && writePage(born)) {
      written++;
    }
    boolean more = true;
    while (more) {
      more = fetchTask(born);
    }
    giveTime(born, now);
    more = true;
    while (more) {
      more = completeTask(born, now);
    }
    synchronized (hardware) {
      if (born == life) {
        sendMessages(hardware.core(), now, messagesDue);
      }
    }
  }

  private void changeMemory(SimCore core, int count) {
    SimBulk bulk = hardware.bulk();
    for (int change = 0; change < count && bulk.pages() > 0 && hardware.operating(); change++) {
      core.memoryFingerprint +=
          bulk.change((int) Long.remainderUnsigned(random(core), bulk.pages()));
    }
  }

  /** Writes the next page; returns whether the tick goes on with that. */
  private boolean writePage(long born) {
    Access write;
    synchronized (hardware) {
      SimCore core = hardware.core();
      int pages = core.pageSequence.length;
      if (born != life || pages == 0) {
        return false;
      }
      int page = (int) Long.remainderUnsigned(random(core), pages);
      long address = core.dmaBase + ((long) page << SimPattern.PAGE_SHIFT);
      write = begin(core, address, SimPattern.PAGE_BYTES, DmaSpace.Direction.WRITE);
      if (write == null) {
        return true;
      }
      core.dmaWrites++;
      core.pageSequence[page] = core.dmaWrites;
      pattern.fill(write.bytes, 0, SimPattern.PAGE_BYTES, core.tag, page, core.dmaWrites);
    }
    boolean arrived = send(write);
    synchronized (hardware) {
      endWrite(write, arrived);
    }
    return true;
  }

  /** Fetches the next task; returns whether there may be another. */
  private boolean fetchTask(long born) {
    Access read;
    synchronized (hardware) {
      SimCore core = hardware.core();
      if (born != life
          || core.fetched >= core.doorbell
          || core.inFlight.size() >= SimCore.MAX_IN_FLIGHT) {
        return false;
      }
      read =
          begin(
              core,
              SimTask.entry(core.ringSubmit, core.fetched),
              SimRegisters.ENTRY_BYTES,
              DmaSpace.Direction.READ);
      if (read == null) {
        return false;
      }
    }
    boolean arrived = !read.byMessage || hardware.dmaSpace().receive(read.address, read.bytes);
    synchronized (hardware) {
      if (!end(read, arrived)) {
        return false;
      }
      SimCore core = hardware.core();
      core.fetched++;
      if (SimTask.submissionHolds(read.bytes, core.fetched)) {
        core.inFlight.add(new SimCore.Task(core.fetched, SimTask.payload(read.bytes)));
      } else {
        core.badTasks++;
      }
    }
    return true;
  }

  /** Says when tasks are done that were fetched, here or where the state was saved. */
  private void giveTime(long born, long now) {
    synchronized (hardware) {
      while (born == life && tasksDueNanos.size() < hardware.core().inFlight.size()) {
        tasksDueNanos.add(now + settings.taskNanos());
      }
    }
  }

  /** Completes the next task if it is due; returns whether there may be another. */
  private boolean completeTask(long born, long now) {
    Access write;
    SimCore.Task task;
    synchronized (hardware) {
      SimCore core = hardware.core();
      if (born != life || tasksDueNanos.isEmpty() || tasksDueNanos.element() > now) {
        return false;
      }
      task = core.inFlight.element();
      if (task.number() == settings.faults().dropTask()) {
        core.inFlight.remove();
        tasksDueNanos.remove();
        return true;
      }
      long address = SimTask.entry(core.ringComplete, core.completed);
      write = begin(core, address, SimRegisters.ENTRY_BYTES, DmaSpace.Direction.WRITE);
      if (write == null) {
        return false;
      }
      SimTask.complete(write.bytes, task.number(), task.payload());
    }
    boolean arrived = send(write);
    synchronized (hardware) {
      endWrite(write, arrived);
      if (write.resets != life()) {
        return false;
      }
      SimCore core = hardware.core();
      core.completed++;
      core.tasksDone++;
      hardware.raise(SimRegisters.VECTOR_TASKS);
      if (task.number() == settings.faults().repeatTask() && !repeated) {
        repeated = true;
        return true;
      }
      core.inFlight.remove();
      tasksDueNanos.remove();
    }
    return true;
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
        underWay++;
      }
      boolean arrived = hardware.dmaSpace().send(message.address, message.bytes);
      synchronized (hardware) {
        underWay--;
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

  /** Decides on an access; the bytes to write are put into it before the lock is given up. */
  private @Nullable Access begin(
      SimCore core, long address, int length, DmaSpace.Direction direction) {
    if (!hardware.operating()) {
      core.dmaWhileStopped++;
    }
    ByteBuffer memory = hardware.dmaSpace().memory(address, length, direction);
    boolean byMessage = memory == null && hardware.dmaSpace().byMessage(address, length, direction);
    if (byMessage) {
      memory = ByteBuffer.allocate(length);
    }
    if (memory == null) {
      core.dmaFaults++;
      return null;
    }
    underWay++;
    return new Access(address, memory.order(ByteOrder.LITTLE_ENDIAN), byMessage, life());
  }

  /** Carries out a write; call it without the lock. */
  private boolean send(Access write) {
    return !write.byMessage
        || hardware.dmaSpace().send(write.address, write.bytes.duplicate().clear());
  }

  private void endWrite(Access write, boolean arrived) {
    // Also if nobody knows what became of it, and whatever happened to the device meanwhile.
    hardware.dmaLog().written(write.address);
    end(write, arrived);
  }

  /** Takes note of the end of an access; returns whether it counts for something. */
  private boolean end(Access access, boolean arrived) {
    underWay--;
    if (access.resets != life()) {
      return false;
    }
    if (!arrived) {
      hardware.core().dmaFaults++;
    }
    return arrived;
  }

  private static long random(SimCore core) {
    core.randomState += 0x9e3779b97f4a7c15L;
    return SimPattern.mix(core.randomState);
  }
}
