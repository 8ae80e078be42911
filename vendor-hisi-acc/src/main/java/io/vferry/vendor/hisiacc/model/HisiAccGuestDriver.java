package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.model.GuestDriver;
import io.vferry.spi.model.GuestRoom;
import io.vferry.spi.vm.GuestAudit;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A guest's driver: sets queues up, hands out numbered tasks, and looks for results only when it is
 * interrupted. The device counts in each result how often the task was done.
 */
final class HisiAccGuestDriver implements GuestDriver {

  /** So long may results wait for an interrupt before that counts as lost, in the guest's time. */
  private static final long STALL_NANOS = 5_000_000_000L;

  private static final int MAX_TASKS_PER_TICK = 4096;

  private final GuestRoom room;
  private final HisiAccWorkload wished;
  private final boolean loads;
  private final HisiAccGuestRegisters registers;
  private final HisiAccGuestSetUp setUp;
  private final AtomicInteger pendingInterrupts = new AtomicInteger();
  private HisiAccGuestState state;
  private HisiAccGuestQueues queues;
  private double due;
  private long waitedNanos;

  /**
   * Creates a driver.
   *
   * @param wished what it is to do, as far as the device has the queues for it
   * @param loads whether the guest loads the driver when it boots
   */
  HisiAccGuestDriver(
      GuestRoom room, HisiAccWorkload wished, boolean loads, HisiAccGuestRegisters registers) {
    this.room = room;
    this.wished = wished;
    this.loads = loads;
    this.registers = registers;
    this.setUp = new HisiAccGuestSetUp(room, registers);
    this.state = new HisiAccGuestState(wished);
    this.queues = new HisiAccGuestQueues(room, registers, state);
  }

  HisiAccGuestState state() {
    return state;
  }

  private void know(HisiAccGuestState now) {
    state = now;
    queues = new HisiAccGuestQueues(room, registers, now);
  }

  @Override
  public void boot() throws MigrationException {
    listen();
    if (loads) {
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
    int queuesThere = Math.min(setUp.queues(), state.queues());
    know(state.fresh(state.workload.withQueues(queuesThere)));
    pendingInterrupts.set(0);
    setUp.load(state.workload);
    state.loaded = true;
  }

  /**
   * Gives the device up as the guest's kernel does when its driver is unloaded: stops each queue,
   * takes what is done, and then the function.
   */
  void unloadDriver() throws MigrationException {
    for (int queue = 0; queue < state.queues(); queue++) {
      setUp.stop(queue);
      queues.serveQueue(queue);
    }
    state.unfinished += state.outstanding();
    setUp.unload();
    state.loaded = false;
  }

  @Override
  public void tick(long elapsedNanos) throws MigrationException {
    if (!state.loaded) {
      return;
    }
    if ((registers.read(HisiAccVfRegister.VF_STATE) & 1) != 0) {
      state.unfinished += state.outstanding();
      state.resets++;
      loadDriver();
    }
    long before = state.totalConsumed();
    int interrupts = pendingInterrupts.getAndSet(0);
    if (interrupts != 0) {
      state.interrupts++;
    }
    if ((interrupts & 1) != 0) {
      queues.serveEvents();
    }
    if ((interrupts & 2) != 0) {
      queues.serveAsyncEvents();
    }
    if ((interrupts & 4) != 0) {
      queues.serveMessage();
    }
    watch(elapsedNanos, before);
    due += state.workload.tasksPerSecond() * (elapsedNanos / 1e9);
    int count = (int) Math.min(due, MAX_TASKS_PER_TICK);
    due -= count;
    queues.submit(count);
  }

  private void watch(long elapsedNanos, long before) {
    if (outstanding() == 0 || state.totalConsumed() != before) {
      waitedNanos = 0;
      return;
    }
    if (waitedNanos <= STALL_NANOS && waitedNanos + elapsedNanos > STALL_NANOS) {
      state.violation(
          "%d tasks got no result, or no interrupt told of it, for 5 s".formatted(outstanding()));
    }
    waitedNanos += elapsedNanos;
  }

  /** Returns how many tasks were handed out whose results were not seen. */
  long outstanding() {
    return state.outstanding();
  }

  /** Hands out tasks, to the queues in turn, as far as there is room. */
  void submit(int count) throws MigrationException {
    queues.submit(count);
  }

  /** Hands out one task. */
  void submitTo(int queue) throws MigrationException {
    queues.submitTo(queue);
  }

  @Override
  public ByteBuffer save() {
    return state.encode(pendingInterrupts.get());
  }

  @Override
  public void load(ByteBuffer saved) throws MigrationException {
    HisiAccGuestState.Decoded decoded = HisiAccGuestState.decode(saved, wished.kind());
    long needed = decoded.state().workload.layout().totalBytes();
    if (room.memoryBytes() < needed) {
      throw new MigrationException(
          DeviceError.DATA_INCOMPATIBLE,
          "the guest's driver of %s needs %d bytes of memory, the source gave it %d"
              .formatted(room.deviceId(), needed, room.memoryBytes()));
    }
    know(decoded.state());
    state.caught += outstanding();
    due = 0;
    waitedNanos = 0;
    pendingInterrupts.set(decoded.pendingInterrupts());
    listen();
  }

  @Override
  public GuestAudit.Verdict audit() throws MigrationException {
    return new HisiAccGuestAudit(room, state).verdict();
  }

  @Override
  public void close() throws MigrationException {
    room.device().interrupts().disable(Interrupts.MSI);
  }
}
