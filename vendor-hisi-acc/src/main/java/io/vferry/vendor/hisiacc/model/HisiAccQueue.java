package io.vferry.vendor.hisiacc.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A pair of submission and completion queue. What the device knows of them is in its cache; memory
 * is stale until it is written back. Under the chip's lock.
 */
final class HisiAccQueue {

  private final HisiAccFunctionModel function;
  private final int number;
  private final ArrayDeque<HisiAccTask> tasks = new ArrayDeque<>();
  private @Nullable ByteBuffer sqc;
  private @Nullable ByteBuffer cqc;
  private boolean sqcChanged;
  private boolean cqcChanged;
  private int latchedTail = -1;
  private boolean stopped;

  HisiAccQueue(HisiAccFunctionModel function, int number) {
    this.function = function;
    this.number = number;
  }

  // --- contexts ---------------------------------------------------------------------------------

  void setSqc(ByteBuffer context) {
    sqc = context;
    sqcChanged = true;
    stopped = false;
  }

  void setCqc(ByteBuffer context) {
    cqc = context;
    cqcChanged = true;
  }

  @Nullable ByteBuffer sqc() {
    if (sqc == null) {
      sqc = load(function.sqcArray());
      sqcChanged = false;
    }
    return sqc;
  }

  @Nullable ByteBuffer cqc() {
    if (cqc == null) {
      cqc = load(function.cqcArray());
      cqcChanged = false;
    }
    return cqc;
  }

  private @Nullable ByteBuffer load(long array) {
    if (array == 0) {
      return null;
    }
    return function
        .memory()
        .read(array + (long) number * HisiAccContexts.BYTES, HisiAccContexts.BYTES);
  }

  /** Writes what changed to memory. */
  void writeBack() {
    if (sqc != null && sqcChanged) {
      store(function.sqcArray(), sqc);
      sqcChanged = false;
    }
    if (cqc != null && cqcChanged) {
      store(function.cqcArray(), cqc);
      cqcChanged = false;
    }
  }

  /** Writes what is written of a context that the cache has dropped. */
  void writeBackNothing() {
    ByteBuffer nothing = ByteBuffer.allocate(HisiAccContexts.BYTES);
    store(function.sqcArray(), nothing);
    store(function.cqcArray(), nothing);
  }

  private void store(long array, ByteBuffer context) {
    if (array != 0) {
      function
          .memory()
          .write(
              array + (long) number * HisiAccContexts.BYTES,
              context.duplicate().position(0).limit(HisiAccContexts.BYTES));
    }
  }

  /** Forgets the cache; returns whether something is lost by it. */
  boolean dropCache() {
    boolean lost = (sqc != null && sqcChanged) || (cqc != null && cqcChanged);
    sqc = null;
    cqc = null;
    sqcChanged = false;
    cqcChanged = false;
    return lost;
  }

  void dropSqc() {
    sqc = null;
    sqcChanged = false;
  }

  void dropCqc() {
    cqc = null;
    cqcChanged = false;
  }

  // --- doorbells --------------------------------------------------------------------------------

  /** Takes a new tail, at once. */
  void submit(int tail) {
    if (stopped) {
      return;
    }
    ByteBuffer context = sqc();
    if (context == null || base(context) == 0) {
      function.violation("a doorbell for queue %d, which is not set up".formatted(number));
      return;
    }
    if (tail >= depth(context)) {
      function.violation("a doorbell with tail %d for queue %d".formatted(tail, number));
      return;
    }
    if (tail < unsigned(context, HisiAccContexts.TAIL)) {
      context.putShort(
          HisiAccContexts.WRAP,
          (short) (context.getShort(HisiAccContexts.WRAP) ^ HisiAccContexts.WRAP_BIT));
    }
    context.putShort(HisiAccContexts.TAIL, (short) tail);
    sqcChanged = true;
  }

  /** Keeps a new tail until the function goes on. */
  void latch(int tail) {
    latchedTail = tail;
  }

  /** Goes on after a pause. */
  void resume() {
    if (latchedTail >= 0) {
      submit(latchedTail);
      latchedTail = -1;
    }
  }

  /** Goes on with what the context says; the index of the doorbell means nothing. */
  void kick() {
    if (function.quirks().kickReadsMemory) {
      sqc = null;
      cqc = null;
    }
    sqc();
  }

  /**
   * Takes a head of the completion queue; returns whether there is more that nobody was told of.
   */
  boolean consume(int head, boolean arm) {
    ByteBuffer context = cqc();
    if (context == null) {
      function.violation("a doorbell for queue %d, which is not set up".formatted(number));
      return false;
    }
    context.putShort(HisiAccContexts.HEAD, (short) head);
    if (arm) {
      context.putInt(
          HisiAccContexts.CQ_FLAGS,
          context.getInt(HisiAccContexts.CQ_FLAGS) | HisiAccContexts.CQ_ARMED);
    }
    cqcChanged = true;
    return arm && head != unsigned(context, HisiAccContexts.TAIL) && takeArmed(context);
  }

  private boolean takeArmed(ByteBuffer context) {
    int flags = context.getInt(HisiAccContexts.CQ_FLAGS);
    if ((flags & HisiAccContexts.CQ_ARMED) == 0) {
      return false;
    }
    context.putInt(HisiAccContexts.CQ_FLAGS, flags & ~HisiAccContexts.CQ_ARMED);
    cqcChanged = true;
    return true;
  }

  // --- work -------------------------------------------------------------------------------------

  int inFlight() {
    return tasks.size();
  }

  /** Returns the stage of the oldest task in flight, or null if there is none. */
  HisiAccTask.@Nullable Stage stage() {
    HisiAccTask first = tasks.peek();
    return first == null ? null : first.stage;
  }

  /** Whether there is a task to be fetched. */
  boolean waiting() {
    ByteBuffer context = sqc;
    return context != null
        && !stopped
        && base(context) != 0
        && unsigned(context, HisiAccContexts.HEAD) != unsigned(context, HisiAccContexts.TAIL);
  }

  /** Fetches one task. */
  void fetch(int ticks, int entryBytes) {
    ByteBuffer context = sqc;
    if (context == null || !waiting()) {
      return;
    }
    int head = unsigned(context, HisiAccContexts.HEAD);
    ByteBuffer entry = function.memory().read(base(context) + (long) head * entryBytes, entryBytes);
    if (entry == null) {
      // A fault: it was told of, and trying again would only tell of it again.
      context.putShort(HisiAccContexts.HEAD, context.getShort(HisiAccContexts.TAIL));
      return;
    }
    tasks.add(new HisiAccTask(head, entry, ticks));
    context.putShort(HisiAccContexts.HEAD, (short) ((head + 1) % depth(context)));
    sqcChanged = true;
  }

  /** The guest has the device stop the queue. */
  void beginStop() {
    sqc();
    stopped = function.quirks().stoppedQueues == HisiAccQuirks.StoppedQueues.HALTED;
  }

  /** Whether a queue that is to stop has come to its end. */
  boolean stopEnded() {
    return tasks.isEmpty() && !waiting();
  }

  /** Stops; what was not fetched is not looked at again. */
  void endStop() {
    stopped = true;
    ByteBuffer context = sqc;
    if (context != null
        && unsigned(context, HisiAccContexts.HEAD) != unsigned(context, HisiAccContexts.TAIL)) {
      context.putShort(HisiAccContexts.TAIL, context.getShort(HisiAccContexts.HEAD));
      sqcChanged = true;
    }
  }

  /** Moves each task on by one stage, the oldest first; no task overtakes another. */
  void step() {
    boolean oldest = true;
    boolean ended = false;
    for (HisiAccTask task : tasks) {
      switch (task.stage) {
        case FETCHED -> {
          if (--task.ticksLeft <= 0) {
            task.stage = HisiAccTask.Stage.WORKED;
          }
        }
        case WORKED -> {
          if (oldest) {
            writeResult(task);
            task.stage = HisiAccTask.Stage.WRITTEN;
          }
        }
        case WRITTEN -> {
          complete(task);
          task.stage = HisiAccTask.Stage.COMPLETED;
        }
        case COMPLETED -> {
          ByteBuffer context = cqc();
          if (context != null && takeArmed(context)) {
            function.events().queue(false).post(number);
          }
          task.stage = HisiAccTask.Stage.TOLD;
        }
        case TOLD -> {
          function.events().tell();
          ended = true;
        }
      }
      oldest = false;
    }
    if (ended) {
      tasks.poll();
    }
  }

  /** Gives back the tasks of which nothing is to be seen yet. */
  void putBack() {
    HisiAccTask first = null;
    for (HisiAccTask task : tasks) {
      if (task.stage.compareTo(HisiAccTask.Stage.WRITTEN) < 0) {
        first = task;
        break;
      }
    }
    if (first == null) {
      return;
    }
    ByteBuffer context = sqc();
    if (context != null) {
      context.putShort(HisiAccContexts.HEAD, (short) first.index);
      sqcChanged = true;
    }
    tasks.removeIf(task -> task.stage.compareTo(HisiAccTask.Stage.WRITTEN) < 0);
  }

  private void writeResult(HisiAccTask task) {
    long source = task.entry.getLong(HisiAccContexts.TASK_SOURCE);
    long target = task.entry.getLong(HisiAccContexts.TASK_TARGET);
    int length = task.entry.getInt(HisiAccContexts.TASK_LENGTH);
    if (length <= 0 || length > HisiAccContexts.TASK_MAX_LENGTH) {
      function.violation("a task of %d bytes in queue %d".formatted(length, number));
      return;
    }
    ByteBuffer input = function.memory().read(source, length);
    ByteBuffer before = function.memory().read(target, HisiAccContexts.RESULT_BYTES);
    if (input == null || before == null) {
      return;
    }
    CRC32C checksum = new CRC32C();
    checksum.update(input);
    ByteBuffer result =
        ByteBuffer.allocate(HisiAccContexts.RESULT_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    result.putLong(HisiAccContexts.RESULT_ID, task.entry.getLong(HisiAccContexts.TASK_ID));
    result.putInt(HisiAccContexts.RESULT_TIMES, before.getInt(HisiAccContexts.RESULT_TIMES) + 1);
    result.putInt(HisiAccContexts.RESULT_CHECKSUM, (int) checksum.getValue());
    function.memory().write(target, result);
  }

  private void complete(HisiAccTask task) {
    ByteBuffer context = cqc();
    if (context == null) {
      return;
    }
    int tail = unsigned(context, HisiAccContexts.TAIL);
    int flags = context.getInt(HisiAccContexts.CQ_FLAGS);
    ByteBuffer entry =
        ByteBuffer.allocate(HisiAccContexts.CQE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    entry.putShort(HisiAccContexts.CQE_SQ_HEAD, (short) task.index);
    entry.putShort(HisiAccContexts.CQE_SQ_NUMBER, (short) number);
    entry.putShort(HisiAccContexts.CQE_PHASE, (short) (flags & HisiAccContexts.CQ_PHASE));
    function.memory().write(base(context) + (long) tail * HisiAccContexts.CQE_BYTES, entry);
    tail++;
    if (tail == depth(context)) {
      tail = 0;
      context.putInt(HisiAccContexts.CQ_FLAGS, flags ^ HisiAccContexts.CQ_PHASE);
      context.putShort(
          HisiAccContexts.WRAP,
          (short) (context.getShort(HisiAccContexts.WRAP) ^ HisiAccContexts.WRAP_BIT));
    }
    context.putShort(HisiAccContexts.TAIL, (short) tail);
    cqcChanged = true;
    if (tail == unsigned(context, HisiAccContexts.HEAD)) {
      function.overflow(number);
    }
  }

  private static int unsigned(ByteBuffer context, int offset) {
    return context.getShort(offset) & 0xffff;
  }

  private static long base(ByteBuffer context) {
    return (context.getInt(HisiAccContexts.BASE_HIGH) & 0xffffffffL) << 32
        | (context.getInt(HisiAccContexts.BASE_LOW) & 0xffffffffL);
  }

  private static int depth(ByteBuffer context) {
    return (context.getInt(HisiAccContexts.SHAPE) & 0xfff) + 1;
  }
}
