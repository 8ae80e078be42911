package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.model.GuestDriver;
import io.vferry.spi.model.GuestRoom;
import io.vferry.spi.vm.GuestAudit;
import io.vferry.spi.vm.PlacedRegion;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The guest's driver of one simulated device: rings, tasks, completions, interrupts, and messages
 * to the devices that the same driver drives.
 */
final class SimGuestDriver implements GuestDriver {

  private static final int MAX_TASKS_PER_TICK = SimRegisters.RING_ENTRIES;

  private final GuestRoom room;
  private final SimPattern pattern = new SimPattern();
  private SimDriverState state = new SimDriverState();
  private SimRate taskRate = new SimRate(0);
  private Optional<SimLocalStores> local = Optional.empty();

  /** Whether the local memory came from another device and was not looked at yet. */
  private boolean localToProve;

  SimGuestDriver(GuestRoom room) {
    this.room = room;
  }

  private SimRegisterAccess registers() throws MigrationException {
    return new SimRegisterAccess(room.device().region(SimRegisters.GUEST_BAR));
  }

  @Override
  public void boot() throws MigrationException {
    if (room.peers().size() > SimRegisters.PEERS) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "device %s has more than %d peers".formatted(room.deviceId(), SimRegisters.PEERS));
    }
    SimRegisterAccess access = registers();
    long wished = access.get(SimRegisters.DMA_PAGES_WISHED);
    long free = (room.memoryBytes() >> SimPattern.PAGE_SHIFT) - SimDriverState.RING_PAGES;
    if (wished < 0 || free < 0) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "device %s wishes for %d pages of DMA area; its driver has %d"
              .formatted(room.deviceId(), wished, free));
    }
    // A device of another process may wish for more than was known when the memory was given out.
    state.dmaPages = (int) Math.min(wished, Math.min(free, SimCore.MAX_DMA_PAGES));
    state.tasksPerSecond = access.get(SimRegisters.TASK_RATE);
    long localBytes = access.get(SimRegisters.LOCAL_BYTES);
    if (localBytes < 0
        || localBytes > SimSettings.MAX_LOCAL_BYTES
        || localBytes % SimPattern.PAGE_BYTES != 0) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "device %s claims %d bytes of local memory".formatted(room.deviceId(), localBytes));
    }
    state.localBytes = (int) localBytes;
    taskRate = new SimRate(state.tasksPerSecond);
    setUp(access);
  }

  /** Sets the device up for the first time or anew. */
  private void setUp(SimRegisterAccess access) throws MigrationException {
    state.setUps++;
    state.submitted = 0;
    state.consumed = 0;
    Arrays.fill(state.connectedTo, 0);
    for (int page = 0; page < state.pages(); page++) {
      room.write((long) page << SimPattern.PAGE_SHIFT, ByteBuffer.allocate(SimPattern.PAGE_BYTES));
    }
    ByteBuffer command = ByteBuffer.allocate(Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    command.putShort(
        0, (short) (SimConfigSpace.COMMAND_MEMORY | SimConfigSpace.COMMAND_BUS_MASTER));
    room.device().region(RegionInfo.PCI_CONFIG).write(SimConfigSpace.COMMAND, command);
    long memory = room.memoryAddress();
    access.set(SimRegisters.TAG, tag(room, state));
    access.set(SimRegisters.RING_SUBMIT, memory);
    access.set(SimRegisters.RING_COMPLETE, memory + SimPattern.PAGE_BYTES);
    if (state.dmaPages > 0) {
      access.set(SimRegisters.DMA_BASE, memory + SimDriverState.RING_PAGES * SimPattern.PAGE_BYTES);
      access.set(SimRegisters.DMA_PAGES, state.dmaPages);
    }
    access.set(SimRegisters.SCRATCH, state.scratch);
    local = Optional.empty();
    state.localStores = 0;
    if (state.localBytes > 0) {
      local().clear();
    }
    listen(state);
    state.ready = true;
    access.set(SimRegisters.CONTROL, SimRegisters.CONTROL_ENABLE);
  }

  private void listen(SimDriverState to) throws MigrationException {
    room.device()
        .interrupts()
        .enable(
            Interrupts.MSIX,
            SimRegisters.VECTORS,
            vector -> to.irqPending.accumulateAndGet(1 << vector, (a, b) -> a | b));
  }

  /** Returns what the device signs its work with: no other device and no other set-up has it. */
  static long tag(GuestRoom room, SimDriverState state) {
    return state.setUps << 32 | (room.memoryAddress() >>> SimPattern.PAGE_SHIFT) + 1;
  }

  @Override
  public void tick(long elapsedNanos) throws MigrationException {
    if (!state.ready) {
      return;
    }
    SimRegisterAccess access = registers();
    if (access.get(SimRegisters.CONTROL) == 0) {
      // The device forgot what it was told, as after a reset; peers connect to it again by
      // themselves.
      setUp(access);
    }
    connectPeers(access);
    if (state.irqPending.getAndSet(0) != 0) {
      long causes = access.get(SimRegisters.IRQ_STATUS);
      if ((causes & (1 << SimRegisters.VECTOR_TASKS)) != 0) {
        consume();
      }
      if ((causes & (1 << SimRegisters.VECTOR_MAIL)) != 0) {
        state.mails++;
      }
    }
    access.set(SimRegisters.SCRATCH, state.scratch + 1);
    state.scratch++;
    storeLocal();
    submit(access, taskRate.due(elapsedNanos, MAX_TASKS_PER_TICK));
  }

  /**
   * Returns the local memory, which is mapped when it is first used: a stopped device forbids it.
   */
  private SimLocalStores local() throws MigrationException {
    SimLocalStores now =
        local.isPresent()
            ? local.get()
            : new SimLocalStores(room.device().region(SimRegisters.GUEST_BAR), state.localBytes);
    local = Optional.of(now);
    return now;
  }

  private void storeLocal() throws MigrationException {
    if (state.localBytes == 0) {
      return;
    }
    SimLocalStores memory = local();
    if (localToProve) {
      localToProve = false;
      int wrong = SimLocalStores.wrong(memory.content(), tag(room, state), state.localStores);
      if (wrong >= 0) {
        state.violated("local memory came with a wrong word at offset %d".formatted(wrong));
      }
    }
    memory.store(tag(room, state), state.localStores + 1);
    state.localStores++;
  }

  private void connectPeers(SimRegisterAccess access) throws MigrationException {
    List<PlacedRegion> peers = room.peers();
    for (int peer = 0; peer < peers.size(); peer++) {
      Optional<SimGuestDriver> known = neighbour(room, peers.get(peer));
      if (known.isPresent() && known.get().state.ready && !known.get().connectedBy(state, peer)) {
        connect(access, peer, peers.get(peer).guestAddress(), known.get());
      }
    }
  }

  /** Has the peer expect a new series of messages, then makes the device their sender. */
  private void connect(SimRegisterAccess access, int peer, long address, SimGuestDriver receiver)
      throws MigrationException {
    state.epoch++;
    int at = peer * SimRegisters.PEER_STRIDE;
    access.set(SimRegisters.PEER_ADDRESS + at, 0);
    int channel = receiver.expect(room.deviceId(), state.epoch);
    access.set(SimRegisters.PEER_CHANNEL + at, state.epoch << 32 | channel);
    access.set(SimRegisters.PEER_ADDRESS + at, address);
    state.connectedTo[peer] = receiver.state.setUps;
  }

  /** Makes the device a receiver of a sender's messages; returns on which channel. */
  private int expect(String sender, long epoch) throws MigrationException {
    int channel = state.senders.indexOf(sender);
    if (channel < 0) {
      channel = state.senders.size();
      if (channel >= SimRegisters.CHANNELS) {
        throw new MigrationException(
            DeviceError.BAD_REQUEST,
            "more than %d devices write to %s".formatted(SimRegisters.CHANNELS, room.deviceId()));
      }
      state.senders.add(sender);
    }
    registers().set(SimRegisters.CHANNEL_EPOCH + channel * Long.BYTES, epoch);
    return channel;
  }

  /** Returns the driver at the other end if it is of this kind. */
  static Optional<SimGuestDriver> neighbour(GuestRoom room, PlacedRegion peer) {
    return room.driver(peer.deviceId())
        .filter(SimGuestDriver.class::isInstance)
        .map(SimGuestDriver.class::cast);
  }

  /** Whether a sender was connected since this device was last set up. */
  boolean connectedBy(SimDriverState sender, int peer) {
    return state.setUps > 0 && sender.connectedTo[peer] == state.setUps;
  }

  SimDeviceTruth truth() throws MigrationException {
    return SimDeviceTruth.of(room.device());
  }

  private void submit(SimRegisterAccess access, int count) throws MigrationException {
    ByteBuffer entry = ByteBuffer.allocate(SimRegisters.ENTRY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    boolean some = false;
    for (int left = count; left > 0; left--) {
      if (state.submitted - state.consumed >= SimRegisters.RING_ENTRIES) {
        break;
      }
      long number = state.submitted + 1;
      SimTask.submit(entry, number, SimTask.payloadOf(tag(room, state), number));
      room.write(SimTask.entry(0, state.submitted), entry.clear());
      state.submitted++;
      some = true;
    }
    if (some) {
      access.set(SimRegisters.DOORBELL, state.submitted);
    }
  }

  private void consume() throws MigrationException {
    ByteBuffer entry = ByteBuffer.allocate(SimRegisters.ENTRY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    while (true) {
      long offset = SimTask.entry(SimPattern.PAGE_BYTES, state.consumed);
      long due = state.consumed + 1;
      room.read(offset, entry.clear().limit(Long.BYTES));
      if (SimTask.number(entry) == Math.max(0, due - SimRegisters.RING_ENTRIES)) {
        return;
      }
      // The device writes the number last; the rest must not be read before it.
      VarHandle.acquireFence();
      room.read(offset, entry.clear());
      if (!SimTask.completionHolds(entry, due, SimTask.payloadOf(tag(room, state), due))) {
        state.violated(
            "completed task %d where task %d was due".formatted(SimTask.number(entry), due));
        return;
      }
      state.consumed++;
      state.tasksSeen++;
    }
  }

  @Override
  public ByteBuffer save() {
    return state.encode(room.peers());
  }

  @Override
  public void load(ByteBuffer bytes) throws MigrationException {
    SimDriverState loaded = SimDriverState.decode(bytes, room);
    if (loaded.ready) {
      listen(loaded);
    }
    state = loaded;
    local = Optional.empty();
    localToProve = loaded.ready;
    taskRate = new SimRate(loaded.tasksPerSecond);
  }

  @Override
  public GuestAudit.Verdict audit() throws MigrationException {
    return new SimDriverAudit(room, state, pattern).verdict();
  }

  @Override
  public void close() throws MigrationException {
    if (state.ready) {
      state = new SimDriverState();
      room.device().interrupts().disable(Interrupts.MSIX);
    }
  }
}
