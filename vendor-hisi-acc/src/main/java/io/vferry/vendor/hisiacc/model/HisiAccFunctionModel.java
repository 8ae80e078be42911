package io.vferry.vendor.hisiacc.model;

import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** The queue manager of a function, virtual or physical. Under the chip's lock. */
final class HisiAccFunctionModel {

  private static final int EVENT_VECTOR = 0;
  private static final int ASYNC_VECTOR = 1;
  private static final int MESSAGE_VECTOR = 2;
  private static final Map<Integer, HisiAccVfRegister> REGISTERS = byOffset();

  private final HisiAccChip chip;
  private final int number;
  private final HisiAccQuirks quirks;
  private final HisiAccDmaSpace dma;
  private final HisiAccIommuLog log = new HisiAccIommuLog();
  private final HisiAccInterrupts interrupts = new HisiAccInterrupts();
  private final HisiAccMemory memory;
  private HisiAccEventQueue events;
  private HisiAccEventQueue asyncEvents;
  private List<HisiAccQueue> queues = List.of();
  private Map<HisiAccVfRegister, Integer> plain = new HashMap<>();
  private long sqcArray;
  private long cqcArray;
  private boolean paused;
  private boolean draining;
  private long pausedAtNanos;
  private int drainPollsLeft;
  private @Nullable HisiAccQueue late;
  private boolean contextsLost;
  private int writeBackPollsLeft;
  private boolean writeBackDone;
  private int latchedEventHead = -1;
  private int latchedAsyncHead = -1;
  private int raised;
  private long interruptsWhilePaused;

  /** Read by the host without the chip's lock. */
  private final AtomicLong resets = new AtomicLong();

  HisiAccFunctionModel(HisiAccChip chip, int number, HisiAccQuirks quirks, int pageBytes) {
    this.chip = chip;
    this.number = number;
    this.quirks = quirks;
    this.dma = new HisiAccDmaSpace(pageBytes);
    this.memory = new HisiAccMemory(dma, log, this::fault);
    this.events = new HisiAccEventQueue(memory, quirks);
    this.asyncEvents = new HisiAccEventQueue(memory, quirks);
    reset();
  }

  private static Map<Integer, HisiAccVfRegister> byOffset() {
    Map<Integer, HisiAccVfRegister> registers = new HashMap<>();
    for (HisiAccVfRegister register : HisiAccVfRegister.values()) {
      registers.put(register.offset(), register);
    }
    return Map.copyOf(registers);
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

  HisiAccEventQueue events() {
    return events;
  }

  long sqcArray() {
    return sqcArray;
  }

  long cqcArray() {
    return cqcArray;
  }

  boolean kickReadsMemory() {
    return quirks.kickReadsMemory;
  }

  boolean paused() {
    return paused;
  }

  /** Returns how many interrupts were raised while it was paused. */
  long interruptsWhilePaused() {
    return interruptsWhilePaused;
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
    events = new HisiAccEventQueue(memory, quirks);
    asyncEvents = new HisiAccEventQueue(memory, quirks);
    List<HisiAccQueue> fresh = new ArrayList<>();
    for (int queue = 0; queue < chip.queuesOf(number); queue++) {
      fresh.add(new HisiAccQueue(this, queue));
    }
    queues = List.copyOf(fresh);
    plain = new HashMap<>();
    plain.put(HisiAccVfRegister.VF_STATE, 1);
    sqcArray = 0;
    cqcArray = 0;
    paused = false;
    draining = false;
    late = null;
    contextsLost = false;
    writeBackDone = false;
    latchedEventHead = -1;
    latchedAsyncHead = -1;
    raised = 0;
  }

  /** Resets it on behalf of the host, which counts that. */
  void resetByHost() {
    reset();
    resets.incrementAndGet();
  }

  long resets() {
    return resets.get();
  }

  // --- registers
  // ----------------------------------------------------------------------------------

  /** Reads 32 bits; the mailbox is not among them. */
  int read(long offset) {
    HisiAccVfRegister register = REGISTERS.get((int) offset);
    if (register == null) {
      return 0;
    }
    return switch (register) {
      case AEQ_INT_MASK -> asyncEvents.mask();
      case EQ_INT_MASK -> events.mask();
      case IFC_INT_STATUS -> quirks.messageIn.read() | bit(chip.messages().rung(number));
      case IFC_INT_SET -> quirks.messageOut.read() | bit(chip.messages().ringing(number));
      case IFC_INT_SOURCE -> bit(chip.messages().rung(number));
      case FUNCTION_ACTIVE -> bit(quirks.activityTold && active());
      case CACHE_WB_DONE -> readWriteBack();
      case FUNC_CAPS -> chip.settings().capabilities();
      case EQ_DEPTHS -> 0x04000800;
      case QUEUE_DEPTHS -> 0x04000400;
      case IFC_INT_MASK, QUE_ISO_CFG, PAGE_SIZE, FUN_DB_DROP, VF_STATE, CACHE_WB_START, MAILBOX ->
          plain.getOrDefault(register, 0);
    };
  }

  /** Writes 32 bits; the mailbox is not among them. */
  void write(long offset, int value) {
    HisiAccVfRegister register = REGISTERS.get((int) offset);
    if (register == null) {
      return;
    }
    switch (register) {
      case AEQ_INT_MASK -> {
        if (asyncEvents.mask(value)) {
          raise(ASYNC_VECTOR);
        }
      }
      case EQ_INT_MASK -> {
        if (events.mask(value)) {
          raise(EVENT_VECTOR);
        }
      }
      case IFC_INT_SOURCE -> {
        if ((value & 1) != 0) {
          chip.messages().acknowledge(number);
        }
      }
      case IFC_INT_SET -> {
        if ((value & 1) != 0 && number != HisiAccChip.PHYSICAL) {
          chip.messages().ring(number);
          chip.function(HisiAccChip.PHYSICAL).hearMessage();
        }
      }
      case CACHE_WB_START -> writeBack();
      case IFC_INT_MASK -> {
        plain.put(register, value);
        if (chip.messages().rung(number)) {
          hearMessage();
        }
      }
      case QUE_ISO_CFG, PAGE_SIZE, FUN_DB_DROP, VF_STATE -> plain.put(register, value);
      case IFC_INT_STATUS,
          FUNCTION_ACTIVE,
          CACHE_WB_DONE,
          MAILBOX,
          FUNC_CAPS,
          EQ_DEPTHS,
          QUEUE_DEPTHS -> {}
    }
  }

  int contextWord(boolean async, int word) {
    return (async ? asyncEvents : events).word(word);
  }

  void contextWord(boolean async, int word, int value) {
    (async ? asyncEvents : events).word(word, value);
  }

  private boolean active() {
    return late != null || inFlight() > 0;
  }

  /** Returns how many tasks are at work, which read and write memory. */
  int inFlight() {
    int count = 0;
    for (HisiAccQueue queue : queues) {
      count += queue.inFlight();
    }
    return count;
  }

  // --- the cache of contexts
  // ------------------------------------------------------------------------

  private void writeBack() {
    agePausedCache();
    writeBackDone = false;
    writeBackPollsLeft = quirks.writeBackPolls;
    if (quirks.writeBackNeverEnds) {
      return;
    }
    for (HisiAccQueue queue : queues) {
      if (contextsLost) {
        queue.writeBackNothing();
      } else {
        queue.writeBack();
        if (quirks.writeBackDropsCache) {
          queue.dropCache();
        }
      }
    }
  }

  private int readWriteBack() {
    if (quirks.writeBackNeverEnds) {
      return 0;
    }
    if (!writeBackDone && writeBackPollsLeft-- <= 0) {
      writeBackDone = true;
    }
    return bit(writeBackDone);
  }

  /** A cache that was not written back is not kept for ever. */
  private void agePausedCache() {
    if (paused && chip.now() - pausedAtNanos > quirks.cacheKeptNanos) {
      for (HisiAccQueue queue : queues) {
        contextsLost |= queue.dropCache();
      }
    }
  }

  // --- doorbells
  // ------------------------------------------------------------------------------------

  /** Takes a doorbell of 64 bits. */
  void doorbell(long value) {
    if ((plain.getOrDefault(HisiAccVfRegister.FUN_DB_DROP, 0) & 1) != 0) {
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
          events.post(queue);
          tellOfEvents();
        }
      }
      case HisiAccNumbers.DOORBELL_EQ -> {
        switch (whilePaused(quirks.eventDoorbells)) {
          case LATCHED -> latchedEventHead = index;
          case PROCESSED -> {
            if (events.ring(index)) {
              raise(EVENT_VECTOR);
            }
          }
          case DROPPED -> {}
        }
      }
      case HisiAccNumbers.DOORBELL_AEQ -> {
        switch (whilePaused(quirks.eventDoorbells)) {
          case LATCHED -> latchedAsyncHead = index;
          case PROCESSED -> {
            if (asyncEvents.ring(index)) {
              raise(ASYNC_VECTOR);
            }
          }
          case DROPPED -> {}
        }
      }
      default -> violation("a doorbell of kind " + kind);
    }
  }

  private HisiAccQuirks.PausedDoorbells whilePaused(HisiAccQuirks.PausedDoorbells quirk) {
    return paused || draining ? quirk : HisiAccQuirks.PausedDoorbells.PROCESSED;
  }

  private void submission(HisiAccQueue queue, int tail, boolean kick) {
    if (kick || (quirks.anyDoorbellResumes && (paused || draining))) {
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
    switch (whilePaused(quirks.queueDoorbells)) {
      case LATCHED -> queue.latch(tail);
      case PROCESSED -> queue.submit(tail);
      case DROPPED -> {}
    }
  }

  private void resume() {
    if (!paused && !draining) {
      return;
    }
    agePausedCache();
    paused = false;
    draining = false;
    if (contextsLost) {
      violation("went on though the contexts of its queues were lost");
    }
    for (HisiAccQueue queue : queues) {
      queue.resume();
    }
    if (latchedEventHead >= 0 && events.ring(latchedEventHead)) {
      raise(EVENT_VECTOR);
    }
    if (latchedAsyncHead >= 0 && asyncEvents.ring(latchedAsyncHead)) {
      raise(ASYNC_VECTOR);
    }
    latchedEventHead = -1;
    latchedAsyncHead = -1;
  }

  // --- commands
  // -----------------------------------------------------------------------------------

  void setSqcArray(long address) {
    sqcArray = address;
    queues.forEach(HisiAccQueue::dropSqc);
    contextsLost = false;
    // A function that is set up anew works again, whatever it was before.
    if (address != 0 && (plain.getOrDefault(HisiAccVfRegister.VF_STATE, 0) & 1) != 0) {
      paused = false;
      draining = false;
    }
  }

  void setCqcArray(long address) {
    cqcArray = address;
    queues.forEach(HisiAccQueue::dropCqc);
  }

  /** Begins a pause: nothing new is fetched. */
  void beginPause() {
    draining = true;
    drainPollsLeft = quirks.drainPolls;
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
    if (quirks.drainNeverEnds) {
      return false;
    }
    if (polled && drainPollsLeft > 0) {
      drainPollsLeft--;
    }
    return drainPollsLeft == 0 && (inFlight() == 0 || late != null);
  }

  /** Ends a pause. */
  void endPause() {
    if (draining) {
      draining = false;
      paused = true;
      pausedAtNanos = chip.now();
    }
  }

  // --- work
  // ---------------------------------------------------------------------------------------

  /** Does one step; returns whether there is more to do. */
  boolean step() {
    boolean working = false;
    for (HisiAccQueue queue : queues) {
      if (!paused || queue == late) {
        queue.step();
      }
      if (!paused && !draining && queue.inFlight() < chip.settings().fetched()) {
        queue.fetch(chip.settings().workTicks(), chip.settings().kind().taskBytes());
      }
      if (queue == late && queue.inFlight() == 0) {
        late = null;
      }
      working |= queue.inFlight() > 0 || (!paused && !draining && queue.waiting());
    }
    return working || draining;
  }

  /** Tells the guest of events, unless a pause holds that back. */
  void tellOfEvents() {
    if ((paused || draining) && quirks.pauseHoldsInterrupts) {
      // It disarms itself all the same: the message is what is lost.
      events.tell();
      return;
    }
    if (events.tell()) {
      raise(EVENT_VECTOR);
    }
  }

  /** A completion queue is full: the guest is told by an asynchronous event. */
  void overflow(int queue) {
    violation("the completion queue of queue %d ran over".formatted(queue));
    if (asyncEvents.configured()) {
      asyncEvents.post(queue);
      if (asyncEvents.tell()) {
        raise(ASYNC_VECTOR);
      }
    }
  }

  /** Another function has rung: there is a message. */
  void hearMessage() {
    if ((plain.getOrDefault(HisiAccVfRegister.IFC_INT_MASK, 0) & 1) == 0) {
      raise(MESSAGE_VECTOR);
    }
  }

  private static int bit(boolean set) {
    return set ? 1 : 0;
  }

  private void raise(int vector) {
    if (paused) {
      interruptsWhilePaused++;
    }
    raised |= 1 << vector;
  }

  /** Returns and forgets what is to be told to the host, without holding the chip's lock. */
  int takeRaised() {
    int vectors = raised;
    raised = 0;
    return vectors;
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
        HisiAccEventQueue target = command == HisiAccNumbers.COMMAND_EQC ? events : asyncEvents;
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
          case HisiAccNumbers.COMMAND_EQC -> events.context();
          default -> asyncEvents.context();
        };
    return context != null
        && memory.write(address, context.duplicate().position(0).limit(HisiAccContexts.BYTES));
  }

  List<HisiAccQueue> queues() {
    return queues;
  }
}
