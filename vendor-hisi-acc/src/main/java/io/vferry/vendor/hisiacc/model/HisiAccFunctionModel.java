package io.vferry.vendor.hisiacc.model;

import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** The queue manager of a function, virtual or physical. Under the chip's lock. */
final class HisiAccFunctionModel {

  private final HisiAccChip chip;
  private final int number;
  private final HisiAccQuirks quirks;
  private final HisiAccDmaSpace dma;
  private final HisiAccIommuLog log = new HisiAccIommuLog();
  private final HisiAccInterrupts interrupts = new HisiAccInterrupts();
  private final HisiAccMemory memory;
  private final HisiAccPause pause;
  private final HisiAccFunctionEvents events;
  private final HisiAccContextCache cache;
  private final HisiAccFunctionRegisters registers;
  private List<HisiAccQueue> queues = List.of();
  private long sqcArray;
  private long cqcArray;
  private @Nullable HisiAccQueue late;

  /** Read by the host without the chip's lock. */
  private final AtomicLong resets = new AtomicLong();

  HisiAccFunctionModel(HisiAccChip chip, int number, HisiAccQuirks quirks, int pageBytes) {
    this.chip = chip;
    this.number = number;
    this.quirks = quirks;
    this.dma = new HisiAccDmaSpace(pageBytes);
    this.memory = new HisiAccMemory(dma, log, this::fault);
    this.pause = new HisiAccPause(quirks);
    this.events = new HisiAccFunctionEvents(memory, quirks, pause);
    this.cache = new HisiAccContextCache(chip, quirks, pause);
    this.registers = new HisiAccFunctionRegisters(chip, this, events, cache);
    reset();
  }

  // --- what it consists of
  // ------------------------------------------------------------------------

  int number() {
    return number;
  }

  HisiAccQuirks quirks() {
    return quirks;
  }

  HisiAccDmaSpace dma() {
    return dma;
  }

  HisiAccIommuLog log() {
    return log;
  }

  HisiAccInterrupts interrupts() {
    return interrupts;
  }

  HisiAccMemory memory() {
    return memory;
  }

  HisiAccFunctionEvents events() {
    return events;
  }

  HisiAccFunctionRegisters registers() {
    return registers;
  }

  long sqcArray() {
    return sqcArray;
  }

  long cqcArray() {
    return cqcArray;
  }

  boolean paused() {
    return pause.paused();
  }

  List<HisiAccQueue> queues() {
    return queues;
  }

  HisiAccQueue queue(int index) {
    return queues.get(index);
  }

  void violation(String what) {
    chip.violation("function " + number + ": " + what);
  }

  private void fault(long address, boolean write) {
    violation("DMA %s of 0x%x, where nothing is".formatted(write ? "write" : "read", address));
    chip.busError(number, write);
  }

  // --- reset ------------------------------------------------------------------------------------

  /** Function-level reset: everything but what belongs to the host. */
  void reset() {
    pause.lift();
    events.reset();
    cache.reset();
    registers.reset();
    List<HisiAccQueue> fresh = new ArrayList<>();
    for (int queue = 0; queue < chip.queuesOf(number); queue++) {
      fresh.add(new HisiAccQueue(this, queue));
    }
    queues = List.copyOf(fresh);
    sqcArray = 0;
    cqcArray = 0;
    late = null;
  }

  /** Resets it on behalf of the host, which counts that. */
  void resetByHost() {
    reset();
    resets.incrementAndGet();
  }

  long resets() {
    return resets.get();
  }

  // --- doorbells
  // ------------------------------------------------------------------------------------

  /** Takes a doorbell of 64 bits. */
  void doorbell(long value) {
    if (registers.dropsDoorbells()) {
      return;
    }
    int queue = (int) (value & 0x3ff);
    int kind = (int) (value >>> HisiAccNumbers.DOORBELL_KIND_SHIFT & 0xf);
    int index = (int) (value >>> HisiAccNumbers.DOORBELL_INDEX_SHIFT & 0xffff);
    boolean priority = (value >>> HisiAccNumbers.DOORBELL_PRIORITY_SHIFT & 1) != 0;
    boolean perQueue = kind == HisiAccNumbers.DOORBELL_SQ || kind == HisiAccNumbers.DOORBELL_CQ;
    if (perQueue && queue >= queues.size()) {
      violation("a doorbell for queue %d of %d".formatted(queue, queues.size()));
      return;
    }
    switch (kind) {
      case HisiAccNumbers.DOORBELL_SQ -> submission(queues.get(queue), index, priority);
      case HisiAccNumbers.DOORBELL_CQ -> {
        if (queues.get(queue).consume(index, priority)) {
          events.queue(false).post(queue);
          events.tell();
        }
      }
      case HisiAccNumbers.DOORBELL_EQ -> events.doorbell(false, index);
      case HisiAccNumbers.DOORBELL_AEQ -> events.doorbell(true, index);
      default -> violation("a doorbell of kind " + kind);
    }
  }

  private void submission(HisiAccQueue queue, int tail, boolean kick) {
    if (kick || (quirks.anyDoorbellResumes && pause.holds())) {
      resume();
    }
    if (kick) {
      if (sqcArray == 0) {
        violation("a kick of a function that has no queues set up");
        return;
      }
      queue.kick();
      return;
    }
    switch (pause.doorbell(quirks.queueDoorbells)) {
      case LATCHED -> queue.latch(tail);
      case PROCESSED -> queue.submit(tail);
      case DROPPED -> {}
    }
  }

  private void resume() {
    if (!pause.holds()) {
      return;
    }
    cache.age(queues);
    pause.lift();
    if (cache.lost()) {
      violation("went on though the contexts of its queues were lost");
    }
    for (HisiAccQueue queue : queues) {
      queue.resume();
    }
    events.resume();
  }

  // --- commands
  // -----------------------------------------------------------------------------------

  void setSqcArray(long address) {
    sqcArray = address;
    queues.forEach(HisiAccQueue::dropSqc);
    cache.moved();
    // A function that is set up anew works again, whatever it was before.
    if (address != 0 && registers.unused()) {
      pause.lift();
    }
  }

  void setCqcArray(long address) {
    cqcArray = address;
    queues.forEach(HisiAccQueue::dropCqc);
  }

  /** Begins a pause: nothing new is fetched. */
  void beginPause() {
    pause.begin();
    if (quirks.fetchedTasks == HisiAccQuirks.FetchedTasks.PUT_BACK) {
      queues.forEach(HisiAccQueue::putBack);
    }
    if (quirks.drainLies) {
      for (HisiAccQueue queue : queues) {
        if (queue.inFlight() > 0) {
          late = queue;
        }
      }
    }
  }

  /** Returns whether a pause that began has ended; asked once for each poll. */
  boolean pauseEnded(boolean polled) {
    return pause.drained(polled) && (inFlight() == 0 || late != null);
  }

  /** Ends a pause. */
  void endPause() {
    pause.settle(chip.now());
  }

  /** Sets a context from a buffer in memory. */
  boolean setContext(int command, int queue, long address) {
    ByteBuffer context = memory.read(address, HisiAccContexts.BYTES);
    if (context == null) {
      return false;
    }
    switch (command) {
      case HisiAccNumbers.COMMAND_SQC -> queues.get(queue).setSqc(context);
      case HisiAccNumbers.COMMAND_CQC -> queues.get(queue).setCqc(context);
      default -> {
        HisiAccEventQueue target = events.queue(command != HisiAccNumbers.COMMAND_EQC);
        for (int word = 0; word < HisiAccNumbers.EVENT_CONTEXT_WORDS; word++) {
          target.word(word, context.getInt(word * Integer.BYTES));
        }
      }
    }
    return true;
  }

  /** Gives a context into a buffer in memory. */
  boolean getContext(int command, int queue, long address) {
    ByteBuffer context =
        switch (command) {
          case HisiAccNumbers.COMMAND_SQC -> queues.get(queue).sqc();
          case HisiAccNumbers.COMMAND_CQC -> queues.get(queue).cqc();
          default -> events.queue(command != HisiAccNumbers.COMMAND_EQC).context();
        };
    return context != null
        && memory.write(address, context.duplicate().position(0).limit(HisiAccContexts.BYTES));
  }

  // --- work
  // ---------------------------------------------------------------------------------------

  /** Returns how many tasks are at work, which read and write memory. */
  int inFlight() {
    int count = 0;
    for (HisiAccQueue queue : queues) {
      count += queue.inFlight();
    }
    return count;
  }

  /** Whether it works, also on what outlived a pause. */
  boolean active() {
    return late != null || inFlight() > 0;
  }

  /** Does one step; returns whether there is more to do. */
  boolean step() {
    boolean working = false;
    for (HisiAccQueue queue : queues) {
      if (!pause.paused() || queue == late) {
        queue.step();
      }
      if (!pause.holds() && queue.inFlight() < chip.settings().fetched()) {
        queue.fetch(chip.settings().workTicks(), chip.settings().kind().taskBytes());
      }
      if (queue == late && queue.inFlight() == 0) {
        late = null;
      }
      working |= queue.inFlight() > 0 || (!pause.holds() && queue.waiting());
    }
    return working || pause.draining();
  }

  /** A completion queue is full: the guest is told by an asynchronous event. */
  void overflow(int queue) {
    violation("the completion queue of queue %d ran over".formatted(queue));
    events.postAsync(queue);
  }

  /** Another function has rung: there is a message. */
  void hearMessage() {
    if (!registers.messagesMasked()) {
      events.message();
    }
  }
}
