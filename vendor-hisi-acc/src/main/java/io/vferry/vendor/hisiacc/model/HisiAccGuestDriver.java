package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.model.GuestDriver;
import io.vferry.spi.model.GuestRoom;
import io.vferry.spi.vm.GuestAudit;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.CRC32C;

/**
 * A guest's driver: sets queues up, hands out numbered tasks, and looks for results only when it is
 * interrupted. The device counts in each result how often the task was done.
 */
final class HisiAccGuestDriver implements GuestDriver {

  /** So long may results wait for an interrupt before that counts as lost, in the guest's time. */
  private static final long STALL_NANOS = 5_000_000_000L;

  private static final int MAX_TASKS_PER_TICK = 4096;

  private final GuestRoom room;
  private final HisiAccSettings settings;
  private final HisiAccGuestLayout layout;
  private final HisiAccGuestRegisters registers;
  private final AtomicInteger pendingInterrupts = new AtomicInteger();
  private HisiAccGuestState state;
  private double due;
  private long waitedNanos;

  HisiAccGuestDriver(GuestRoom room, HisiAccSettings settings) {
    this.room = room;
    this.settings = settings;
    this.layout = HisiAccGuestLayout.of(settings);
    this.registers = new HisiAccGuestRegisters(room.device(), settings.isolation());
    this.state = new HisiAccGuestState(settings.queues());
  }

  HisiAccGuestState state() {
    return state;
  }

  // --- set-up -----------------------------------------------------------------------------------

  @Override
  public void boot() throws MigrationException {
    listen();
    if (settings.guest()) {
      loadDriver();
    }
  }

  private void listen() throws MigrationException {
    room.device()
        .interrupts()
        .enable(
            Interrupts.MSI,
            HisiAccInterrupts.VECTORS,
            vector -> pendingInterrupts.accumulateAndGet(1 << vector, (old, bit) -> old | bit));
  }

  /** Sets the device up as the guest's kernel does when its driver is loaded. */
  void loadDriver() throws MigrationException {
    HisiAccGuestState fresh = new HisiAccGuestState(settings.queues());
    fresh.resets = state.resets;
    fresh.unfinished = state.unfinished;
    fresh.interrupts = state.interrupts;
    fresh.message = state.message;
    fresh.caught = state.caught;
    fresh.violations.addAll(state.violations);
    state = fresh;
    pendingInterrupts.set(0);
    long entry = registers.command(HisiAccNumbers.COMMAND_VFT, true, 0, 0);
    int queues =
        (int) (entry >>> HisiAccNumbers.VFT_COUNT_SHIFT & HisiAccNumbers.VFT_COUNT_MASK) + 1;
    if ((entry >>> HisiAccNumbers.VFT_VALID_SHIFT & 1) == 0 || queues < settings.queues()) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST, "device " + room.deviceId() + " has too few queues");
    }
    clear();
    eventContext(HisiAccNumbers.COMMAND_EQC, layout.eventRing());
    eventContext(HisiAccNumbers.COMMAND_AEQC, layout.asyncRing());
    registers.command(HisiAccNumbers.COMMAND_SQC_BT, false, 0, address(layout.sqcArray()));
    registers.command(HisiAccNumbers.COMMAND_CQC_BT, false, 0, address(layout.cqcArray()));
    registers.write(HisiAccVfRegister.PAGE_SIZE, 0);
    registers.ringEvents(HisiAccNumbers.DOORBELL_AEQ, 0);
    registers.ringEvents(HisiAccNumbers.DOORBELL_EQ, 0);
    registers.write(HisiAccVfRegister.EQ_INT_MASK, 0);
    registers.write(HisiAccVfRegister.AEQ_INT_MASK, 0);
    registers.write(HisiAccVfRegister.VF_STATE, 0);
    for (int queue = 0; queue < settings.queues(); queue++) {
      queueContexts(queue);
    }
    state.loaded = true;
  }

  /**
   * Gives the device up as the guest's kernel does when its driver is unloaded: stops each queue,
   * takes what is done, and then the function.
   */
  void unloadDriver() throws MigrationException {
    int capabilities = registers.read(HisiAccVfRegister.FUNC_CAPS);
    for (int queue = 0; queue < settings.queues(); queue++) {
      if ((capabilities & HisiAccNumbers.CAPABILITY_STOP_QUEUE) != 0) {
        registers.command(HisiAccNumbers.COMMAND_STOP_QUEUE, false, queue, 0);
      }
      serveQueue(queue);
      state.unfinished += state.submitted[queue] - state.consumed[queue];
    }
    if ((capabilities & HisiAccNumbers.CAPABILITY_FLUSH) != 0) {
      registers.command(HisiAccNumbers.COMMAND_FLUSH, false, 0, 0);
    }
    registers.write(HisiAccVfRegister.VF_STATE, 1);
    registers.write(HisiAccVfRegister.EQ_INT_MASK, 1);
    registers.write(HisiAccVfRegister.AEQ_INT_MASK, 1);
    state.loaded = false;
  }

  private void clear() throws MigrationException {
    ByteBuffer zeros = ByteBuffer.allocate(64);
    for (long at = 0; at < layout.totalBytes(); at += zeros.capacity()) {
      room.write(at, zeros.clear());
    }
  }

  private long address(long offset) {
    return room.memoryAddress() + offset;
  }

  private void eventContext(int command, long ring) throws MigrationException {
    long address = address(ring);
    ByteBuffer context = buffer(HisiAccContexts.BYTES);
    context.putInt(4, (int) address);
    context.putInt(8, (int) (address >>> Integer.SIZE));
    context.putInt(24, (HisiAccGuestLayout.EVENTS - 1) | 1 << 16);
    room.write(layout.mailboxBuffer(), context);
    registers.command(command, false, 0, address(layout.mailboxBuffer()));
  }

  private void queueContexts(int queue) throws MigrationException {
    int entryShift = Integer.numberOfTrailingZeros(settings.kind().taskBytes());
    ByteBuffer sqc = queueContext(layout.submissionRing(queue), entryShift);
    sqc.putShort(HisiAccContexts.CQ_NUMBER, (short) queue);
    room.write(layout.mailboxBuffer(), sqc);
    registers.command(HisiAccNumbers.COMMAND_SQC, false, queue, address(layout.mailboxBuffer()));
    ByteBuffer cqc = queueContext(layout.completionRing(queue), 4);
    cqc.putInt(HisiAccContexts.CQ_FLAGS, HisiAccContexts.CQ_PHASE | HisiAccContexts.CQ_ARMED);
    room.write(layout.mailboxBuffer(), cqc);
    registers.command(HisiAccNumbers.COMMAND_CQC, false, queue, address(layout.mailboxBuffer()));
  }

  private ByteBuffer queueContext(long ring, int entryShift) {
    long address = address(ring);
    ByteBuffer context = buffer(HisiAccContexts.BYTES);
    context.putInt(HisiAccContexts.BASE_LOW, (int) address);
    context.putInt(HisiAccContexts.BASE_HIGH, (int) (address >>> Integer.SIZE));
    context.putInt(HisiAccContexts.SHAPE, (settings.depth() - 1) | entryShift << 12);
    return context;
  }

  // --- work -------------------------------------------------------------------------------------

  @Override
  public void tick(long elapsedNanos) throws MigrationException {
    if (!state.loaded) {
      return;
    }
    if ((registers.read(HisiAccVfRegister.VF_STATE) & 1) != 0) {
      for (int queue = 0; queue < state.queues(); queue++) {
        state.unfinished += state.submitted[queue] - state.consumed[queue];
      }
      state.resets++;
      loadDriver();
    }
    long before = consumed();
    int interrupts = pendingInterrupts.getAndSet(0);
    if (interrupts != 0) {
      state.interrupts++;
    }
    if ((interrupts & 1) != 0) {
      serveEvents();
    }
    if ((interrupts & 2) != 0) {
      serveAsyncEvents();
    }
    if ((interrupts & 4) != 0) {
      serveMessage();
    }
    watch(elapsedNanos, before);
    due += settings.tasksPerSecond() * (elapsedNanos / 1e9);
    int count = (int) Math.min(due, MAX_TASKS_PER_TICK);
    due -= count;
    submit(count);
  }

  private long consumed() {
    long sum = 0;
    for (long count : state.consumed) {
      sum += count;
    }
    return sum;
  }

  /** Returns how many tasks were handed out whose results were not seen. */
  long outstanding() {
    long sum = 0;
    for (int queue = 0; queue < state.queues(); queue++) {
      sum += state.submitted[queue] - state.consumed[queue];
    }
    return sum;
  }

  private void watch(long elapsedNanos, long before) {
    if (outstanding() == 0 || consumed() != before) {
      waitedNanos = 0;
      return;
    }
    if (waitedNanos <= STALL_NANOS && waitedNanos + elapsedNanos > STALL_NANOS) {
      state.violation(
          "%d tasks got no result, or no interrupt told of it, for 5 s".formatted(outstanding()));
    }
    waitedNanos += elapsedNanos;
  }

  /** Hands out tasks, to the queues in turn, as far as there is room. */
  void submit(int count) throws MigrationException {
    int full = 0;
    for (int left = count; left > 0 && full < state.queues(); ) {
      int queue = state.nextQueue;
      state.nextQueue = (queue + 1) % state.queues();
      if (state.submitted[queue] - state.consumed[queue] >= settings.depth() - 1) {
        full++;
        continue;
      }
      full = 0;
      left--;
      submitTo(queue);
    }
  }

  /** Hands out one task. */
  void submitTo(int queue) throws MigrationException {
    int slot = (int) (state.submitted[queue] % settings.depth());
    long id = state.submitted[queue] + 1;
    room.write(layout.data(queue, slot), data(queue, id));
    room.write(layout.result(queue, slot), buffer(HisiAccContexts.RESULT_BYTES));
    ByteBuffer entry = buffer(settings.kind().taskBytes());
    entry.putLong(HisiAccContexts.TASK_ID, id);
    entry.putLong(HisiAccContexts.TASK_SOURCE, address(layout.data(queue, slot)));
    entry.putLong(HisiAccContexts.TASK_TARGET, address(layout.result(queue, slot)));
    entry.putInt(HisiAccContexts.TASK_LENGTH, settings.taskBytes());
    room.write(layout.submissionRing(queue) + (long) slot * entry.capacity(), entry);
    state.submitted[queue]++;
    registers.ringQueue(HisiAccNumbers.DOORBELL_SQ, queue, (slot + 1) % settings.depth(), false);
  }

  private ByteBuffer data(int queue, long id) {
    ByteBuffer bytes = buffer(settings.taskBytes());
    long random = settings.seed() * 0x9e3779b97f4a7c15L + id * 0xbf58476d1ce4e5b9L + queue;
    while (bytes.hasRemaining()) {
      random ^= random << 13;
      random ^= random >>> 7;
      random ^= random << 17;
      bytes.put((byte) random);
    }
    return bytes.flip();
  }

  private void serveEvents() throws MigrationException {
    for (int served = 0; ; served++) {
      if (served > HisiAccGuestLayout.EVENTS) {
        state.violation("the event queue does not become empty");
        break;
      }
      int entry = event(layout.eventRing(), state.eventsRead);
      if ((entry >>> 16 & 1) != phase(state.eventsRead, HisiAccGuestLayout.EVENTS)) {
        break;
      }
      state.eventsRead++;
      int queue = entry & 0xffff;
      if (queue >= state.queues()) {
        state.violation("an event of queue " + queue);
      } else {
        serveQueue(queue);
      }
    }
    registers.ringEvents(
        HisiAccNumbers.DOORBELL_EQ, (int) (state.eventsRead % HisiAccGuestLayout.EVENTS));
  }

  private void serveAsyncEvents() throws MigrationException {
    for (int served = 0; served < HisiAccGuestLayout.EVENTS; served++) {
      int entry = event(layout.asyncRing(), state.asyncEventsRead);
      if ((entry >>> 16 & 1) != phase(state.asyncEventsRead, HisiAccGuestLayout.EVENTS)) {
        break;
      }
      state.asyncEventsRead++;
      state.violation("the device reports an error of queue " + (entry & 0xffff));
    }
    registers.ringEvents(
        HisiAccNumbers.DOORBELL_AEQ, (int) (state.asyncEventsRead % HisiAccGuestLayout.EVENTS));
  }

  /** Fetches a message of the physical function and acknowledges it. */
  private void serveMessage() throws MigrationException {
    state.message = registers.command(HisiAccNumbers.COMMAND_RECEIVE, true, 0, 0);
    registers.write(HisiAccVfRegister.IFC_INT_SOURCE, 1);
  }

  private int event(long ring, long count) throws MigrationException {
    ByteBuffer entry = buffer(Integer.BYTES);
    room.read(ring + count % HisiAccGuestLayout.EVENTS * Integer.BYTES, entry);
    return entry.getInt(0);
  }

  /** Returns the phase of entry number {@code count}: 1 the first time around. */
  private static int phase(long count, int depth) {
    return 1 ^ (int) (count / depth & 1);
  }

  private void serveQueue(int queue) throws MigrationException {
    while (state.consumed[queue] < state.submitted[queue]
        && completed(queue, state.consumed[queue])) {
      check(queue, state.consumed[queue], state.violations);
      state.consumed[queue]++;
    }
    registers.ringQueue(
        HisiAccNumbers.DOORBELL_CQ, queue, (int) (state.consumed[queue] % settings.depth()), true);
  }

  private boolean completed(int queue, long count) throws MigrationException {
    return (completion(queue, count).getShort(HisiAccContexts.CQE_PHASE) & 1)
        == phase(count, settings.depth());
  }

  private ByteBuffer completion(int queue, long count) throws MigrationException {
    ByteBuffer entry = buffer(HisiAccContexts.CQE_BYTES);
    room.read(
        layout.completionRing(queue) + count % settings.depth() * HisiAccContexts.CQE_BYTES, entry);
    return entry.rewind().order(ByteOrder.LITTLE_ENDIAN);
  }

  private ByteBuffer result(int queue, long count) throws MigrationException {
    ByteBuffer result = buffer(HisiAccContexts.RESULT_BYTES);
    room.read(layout.result(queue, (int) (count % settings.depth())), result);
    return result.rewind().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Checks a completion and its result: the right task, done once, on the right data. */
  private void check(int queue, long count, List<String> violations) throws MigrationException {
    ByteBuffer entry = completion(queue, count);
    int head = entry.getShort(HisiAccContexts.CQE_SQ_HEAD) & 0xffff;
    if (head != count % settings.depth()
        || (entry.getShort(HisiAccContexts.CQE_SQ_NUMBER) & 0xffff) != queue) {
      add(violations, queue, count, "completed out of order, as entry " + head);
    }
    ByteBuffer result = result(queue, count);
    int times = result.getInt(HisiAccContexts.RESULT_TIMES);
    if (times != 1) {
      add(violations, queue, count, "was done " + times + " times");
    }
    CRC32C checksum = new CRC32C();
    checksum.update(data(queue, count + 1));
    if (result.getLong(HisiAccContexts.RESULT_ID) != count + 1
        || result.getInt(HisiAccContexts.RESULT_CHECKSUM) != (int) checksum.getValue()) {
      add(violations, queue, count, "has the result of something else");
    }
  }

  private void add(List<String> violations, int queue, long count, String what) {
    if (violations.size() < 16) {
      violations.add("task %d of queue %d %s".formatted(count + 1, queue, what));
    }
  }

  // --- migration
  // ----------------------------------------------------------------------------------

  @Override
  public ByteBuffer save() {
    return state.encode(pendingInterrupts.get());
  }

  @Override
  public void load(ByteBuffer saved) throws MigrationException {
    HisiAccGuestState.Decoded decoded = HisiAccGuestState.decode(saved, settings.queues());
    if (room.memoryBytes() < layout.totalBytes()) {
      throw new MigrationException(
          DeviceError.DATA_INCOMPATIBLE,
          "the guest's driver of %s needs %d bytes of memory, the source gave it %d"
              .formatted(room.deviceId(), layout.totalBytes(), room.memoryBytes()));
    }
    state = decoded.state();
    state.caught += outstanding();
    due = 0;
    waitedNanos = 0;
    pendingInterrupts.set(decoded.pendingInterrupts());
    listen();
  }

  @Override
  public GuestAudit.Verdict audit() throws MigrationException {
    List<String> violations = new ArrayList<>(state.violations);
    long completed = 0;
    for (int queue = 0; state.loaded && queue < state.queues(); queue++) {
      long done = state.consumed[queue];
      while (done < state.submitted[queue] && completed(queue, done)) {
        check(queue, done, violations);
        done++;
      }
      for (long open = done; open < state.submitted[queue]; open++) {
        int times = result(queue, open).getInt(HisiAccContexts.RESULT_TIMES);
        if (times != 0) {
          add(violations, queue, open, "was done " + times + " times and did not complete");
        }
      }
      auditContexts(queue, done, violations);
      completed += done;
    }
    Map<String, Long> counts = new LinkedHashMap<>();
    counts.put("tasks", completed);
    counts.put("tasks-in-flight-when-moved", state.caught);
    counts.put("interrupts", state.interrupts);
    counts.put("device-resets", state.resets);
    return new GuestAudit.Verdict(counts, violations);
  }

  /** What the stopped device wrote back must be where the rings are. */
  private void auditContexts(int queue, long done, List<String> violations)
      throws MigrationException {
    ByteBuffer sqc = context(layout.sqcArray(), queue);
    ByteBuffer cqc = context(layout.cqcArray(), queue);
    expect(violations, queue, "SQC head", sqc.getShort(HisiAccContexts.HEAD), done);
    expect(
        violations, queue, "SQC tail", sqc.getShort(HisiAccContexts.TAIL), state.submitted[queue]);
    expect(violations, queue, "CQC tail", cqc.getShort(HisiAccContexts.TAIL), done);
  }

  private ByteBuffer context(long array, int queue) throws MigrationException {
    ByteBuffer context = buffer(HisiAccContexts.BYTES);
    room.read(array + (long) queue * HisiAccContexts.BYTES, context);
    return context.rewind().order(ByteOrder.LITTLE_ENDIAN);
  }

  private void expect(List<String> violations, int queue, String what, short found, long count) {
    if ((found & 0xffff) != count % settings.depth()) {
      violations.add(
          "%s of queue %d in memory is %d, not %d"
              .formatted(what, queue, found & 0xffff, count % settings.depth()));
    }
  }

  @Override
  public void close() throws MigrationException {
    room.device().interrupts().disable(Interrupts.MSI);
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
