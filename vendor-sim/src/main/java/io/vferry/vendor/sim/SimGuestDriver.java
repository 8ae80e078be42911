package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.RegionInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The guest's driver of one plugged simulated device: rings, tasks, completions, interrupts. Under
 * the lock of the machine, except the interrupt listener.
 */
final class SimGuestDriver {

  private static final int MAX_TASKS_PER_TICK = SimRegisters.RING_ENTRIES;
  private static final int MAX_VIOLATIONS = 16;
  private static final int MAX_TEXT_BYTES = 1024;
  private static final int RING_PAGES = 2;
  static final int MAX_ID_BYTES = 256;

  private final String id;
  private final int ordinal;
  private final SimGuestMemory memory;
  private final AtomicInteger irqPending = new AtomicInteger();
  private final List<String> violations = new ArrayList<>();
  private @Nullable HostDevice device;
  private @Nullable SimRegisterAccess registers;
  private SimRate taskRate = new SimRate(0);
  private boolean ready;
  private int firstPage;
  private int dmaPages;
  private long tasksPerSecond;
  private long setUps;
  private long submitted;
  private long consumed;
  private long tasksSeen;
  private long scratch;
  private long mails;

  SimGuestDriver(String id, int ordinal, SimGuestMemory memory) {
    this.id = id;
    this.ordinal = ordinal;
    this.memory = memory;
  }

  String id() {
    return id;
  }

  /** Returns the place among all plugged devices, from 0; also the channel at each peer. */
  int ordinal() {
    return ordinal;
  }

  boolean ready() {
    return ready;
  }

  boolean bound() {
    return device != null;
  }

  int firstPage() {
    return firstPage;
  }

  /** Returns the pages that only this driver and its device use: two rings and the DMA area. */
  int pages() {
    return ready ? RING_PAGES + dmaPages : 0;
  }

  int dmaPages() {
    return dmaPages;
  }

  long tag() {
    return setUps << 32 | (ordinal + 1);
  }

  long submitted() {
    return submitted;
  }

  long consumed() {
    return consumed;
  }

  long tasksSeen() {
    return tasksSeen;
  }

  long scratch() {
    return scratch;
  }

  int pendingInterrupts() {
    return irqPending.get();
  }

  List<String> violations() {
    return List.copyOf(violations);
  }

  Optional<SimDeviceTruth> truth() {
    HostDevice bound = device;
    return bound == null ? Optional.empty() : bound.capability(SimDeviceTruth.class);
  }

  /** Takes the device; a driver that came with a loaded platform listens to it at once. */
  void bind(HostDevice newDevice) throws MigrationException {
    device = newDevice;
    registers = new SimRegisterAccess(newDevice.region(SimRegisters.GUEST_BAR));
    if (ready) {
      listen();
    }
  }

  @Nullable HostDevice device() {
    return device;
  }

  /** Stops listening, when the machine ends or another platform is loaded. */
  void unbind() throws MigrationException {
    HostDevice bound = device;
    if (bound != null && ready) {
      bound.interrupts().disable(Interrupts.MSIX);
    }
  }

  private void listen() throws MigrationException {
    plugged()
        .interrupts()
        .enable(
            Interrupts.MSIX,
            SimRegisters.VECTORS,
            vector -> irqPending.accumulateAndGet(1 << vector, (a, b) -> a | b));
  }

  private HostDevice plugged() throws MigrationException {
    HostDevice bound = device;
    if (bound == null) {
      throw new MigrationException(
          DeviceError.WRONG_STATE, "the guest's device " + id + " is not plugged");
    }
    return bound;
  }

  private SimRegisterAccess registers() throws MigrationException {
    SimRegisterAccess access = registers;
    if (access == null) {
      throw new MigrationException(
          DeviceError.WRONG_STATE, "the guest's device " + id + " is not plugged");
    }
    return access;
  }

  /** Returns how many pages the driver needs; asks the device. */
  int pagesWished() throws MigrationException {
    dmaPages = (int) registers().get(SimRegisters.DMA_PAGES_WISHED);
    tasksPerSecond = registers().get(SimRegisters.TASK_RATE);
    taskRate = new SimRate(tasksPerSecond);
    return RING_PAGES + dmaPages;
  }

  /** Sets the device up for the first time or anew. */
  void setUp(int pageOfArea) throws MigrationException {
    firstPage = pageOfArea;
    setUps++;
    submitted = 0;
    consumed = 0;
    ByteBuffer zeros = ByteBuffer.allocate(SimPattern.PAGE_BYTES);
    for (int page = firstPage; page < firstPage + RING_PAGES + dmaPages; page++) {
      memory.page(page).put(0, zeros, 0, SimPattern.PAGE_BYTES);
      memory.written(page);
    }
    ByteBuffer command = ByteBuffer.allocate(Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    command.putShort(
        0, (short) (SimConfigSpace.COMMAND_MEMORY | SimConfigSpace.COMMAND_BUS_MASTER));
    plugged().region(RegionInfo.PCI_CONFIG).write(SimConfigSpace.COMMAND, command);
    SimRegisterAccess access = registers();
    access.set(SimRegisters.TAG, tag());
    access.set(SimRegisters.RING_SUBMIT, memory.addressOf(firstPage));
    access.set(SimRegisters.RING_COMPLETE, memory.addressOf(firstPage + 1));
    if (dmaPages > 0) {
      access.set(SimRegisters.DMA_BASE, memory.addressOf(firstPage + RING_PAGES));
      access.set(SimRegisters.DMA_PAGES, dmaPages);
    }
    access.set(SimRegisters.SCRATCH, scratch);
    listen();
    ready = true;
    access.set(SimRegisters.CONTROL, SimRegisters.CONTROL_ENABLE);
  }

  /** Makes the device a receiver of messages of the given sender. */
  void expect(SimGuestDriver sender, long epoch) throws MigrationException {
    registers().set(SimRegisters.CHANNEL_EPOCH + sender.ordinal * Long.BYTES, epoch);
  }

  /** Makes the device a sender: stops, chooses the channel, then starts anew. */
  void send(int peer, long address, long epoch) throws MigrationException {
    int at = peer * SimRegisters.PEER_STRIDE;
    SimRegisterAccess access = registers();
    access.set(SimRegisters.PEER_ADDRESS + at, 0);
    access.set(SimRegisters.PEER_CHANNEL + at, epoch << 32 | ordinal);
    access.set(SimRegisters.PEER_ADDRESS + at, address);
  }

  /** Whether the device forgot what it was told, as after a reset. */
  boolean lost() {
    try {
      return ready && registers().get(SimRegisters.CONTROL) == 0;
    } catch (MigrationException e) {
      violated(e);
      return false;
    }
  }

  /** Does a vCPU's work for this device. */
  void tick(long elapsedNanos) {
    if (!ready) {
      return;
    }
    try {
      SimRegisterAccess access = registers();
      if (irqPending.getAndSet(0) != 0) {
        long causes = access.get(SimRegisters.IRQ_STATUS);
        if ((causes & (1 << SimRegisters.VECTOR_TASKS)) != 0) {
          consume();
        }
        if ((causes & (1 << SimRegisters.VECTOR_MAIL)) != 0) {
          mails++;
        }
      }
      access.set(SimRegisters.SCRATCH, scratch + 1);
      scratch++;
      submit(access, taskRate.due(elapsedNanos, MAX_TASKS_PER_TICK));
    } catch (MigrationException e) {
      violated(e);
    }
  }

  private void submit(SimRegisterAccess access, int count) throws MigrationException {
    int left = count;
    ByteBuffer ring = memory.page(firstPage);
    while (left-- > 0 && submitted - consumed < SimRegisters.RING_ENTRIES) {
      SimTask.submit(
          entry(ring, submitted), submitted + 1, SimTask.payloadOf(tag(), submitted + 1));
      submitted++;
    }
    if (left < count - 1) {
      memory.written(firstPage);
      access.set(SimRegisters.DOORBELL, submitted);
    }
  }

  private void consume() {
    ByteBuffer ring = memory.page(firstPage + 1);
    while (true) {
      ByteBuffer entry = entry(ring, consumed);
      long due = consumed + 1;
      long number = SimTask.number(entry);
      if (number == Math.max(0, due - SimRegisters.RING_ENTRIES)) {
        return;
      }
      if (!SimTask.completionHolds(entry, due, SimTask.payloadOf(tag(), due))) {
        violated("device %s completed task %d where task %d was due".formatted(id, number, due));
        return;
      }
      consumed++;
      tasksSeen++;
    }
  }

  /** Returns a ring's entry for the task with the given index, counted from 0. */
  static ByteBuffer entry(ByteBuffer ring, long index) {
    return ring.slice((int) SimTask.entry(0, index), SimRegisters.ENTRY_BYTES)
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  void violated(MigrationException e) {
    violated("the guest could not use device " + id + ": " + e.detail());
  }

  private void violated(String what) {
    if (violations.size() < MAX_VIOLATIONS && !violations.contains(what)) {
      violations.add(what.length() > 200 ? what.substring(0, 200) : what);
    }
  }

  void encode(SimWriter out) {
    out.text(id).u32(ordinal).u32(ready ? 1 : 0).u32(firstPage).u32(dmaPages);
    out.u64(tasksPerSecond).u64(setUps).u64(submitted).u64(consumed).u64(tasksSeen);
    out.u64(scratch).u64(mails).u32(irqPending.get()).u32(violations.size());
    for (String violation : violations) {
      out.text(violation);
    }
  }

  static SimGuestDriver decode(SimReader in, SimGuestMemory memory) throws MigrationException {
    SimGuestDriver driver =
        new SimGuestDriver(
            in.text("device id", MAX_ID_BYTES),
            in.u32("device ordinal", 0, SimRegisters.CHANNELS - 1),
            memory);
    driver.ready = in.flag("device set up");
    driver.firstPage = in.u32("driver pages", 0, memory.pages());
    driver.dmaPages =
        in.u32(
            "DMA area pages",
            0,
            driver.ready
                ? Math.min(SimCore.MAX_DMA_PAGES, memory.pages() - driver.firstPage - RING_PAGES)
                : SimCore.MAX_DMA_PAGES);
    driver.tasksPerSecond = in.u64("task rate", 0, 1_000_000);
    driver.taskRate = new SimRate(driver.tasksPerSecond);
    driver.setUps = in.u64("set-ups", 0, Integer.MAX_VALUE);
    driver.submitted = in.u64("submitted tasks", 0, Long.MAX_VALUE);
    driver.consumed =
        in.u64(
            "consumed tasks",
            Math.max(0, driver.submitted - SimRegisters.RING_ENTRIES),
            driver.submitted);
    driver.tasksSeen = in.u64("tasks", 0, Long.MAX_VALUE);
    driver.scratch = in.u64("scratch", 0, Long.MAX_VALUE);
    driver.mails = in.u64("mail interrupts", 0, Long.MAX_VALUE);
    driver.irqPending.set(in.u32("pending interrupts", 0, (1 << SimRegisters.VECTORS) - 1));
    int count = in.u32("violations", 0, MAX_VIOLATIONS);
    for (int violation = 0; violation < count; violation++) {
      driver.violations.add(in.text("violation", MAX_TEXT_BYTES));
    }
    return driver;
  }
}
