package io.vferry.vendor.mlx5.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.model.GuestDriver;
import io.vferry.spi.model.GuestRoom;
import io.vferry.spi.vm.GuestAudit;
import io.vferry.spi.vm.PlacedRegion;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** The guest's driver of one virtual function: rings, requests, interrupts, peers. */
final class Mlx5GuestDriver implements GuestDriver {

  private static final long NANOS_PER_SECOND = 1_000_000_000L;
  private static final int VERSION = 1;
  private static final int MAX_VIOLATIONS = 16;
  private static final int MAX_TEXT_BYTES = 400;
  private static final int PAGE = Mlx5Pattern.PAGE_BYTES;
  private static final int ENTRIES = Mlx5GuestRegisters.RING_ENTRIES;
  private static final int ENTRY_BYTES = Mlx5GuestRegisters.RING_ENTRY_BYTES;

  private final GuestRoom room;
  private final AtomicInteger interrupts = new AtomicInteger();
  private final List<String> violations = new ArrayList<>();
  private int dmaPages;
  private double requestRest;
  private boolean ready;
  private long requestsPerSecond;
  private long setUps;
  private long submitted;
  private long consumed;
  private long requestsSeen;
  private long scratch;

  Mlx5GuestDriver(GuestRoom room) {
    this.room = room;
  }

  private long name() {
    long hash = 0;
    for (byte letter : room.deviceId().getBytes(StandardCharsets.UTF_8)) {
      hash = Mlx5Pattern.mix(hash + letter);
    }
    return hash;
  }

  /** Returns what marks all that the device writes since it was last set up. */
  private long tag() {
    return name() + setUps;
  }

  /** Returns what marks the messages to one peer. */
  static long key(long tag, int peer) {
    return tag + ((long) peer << 48);
  }

  private Region registers() throws MigrationException {
    return room.device().region(Mlx5GuestRegisters.BAR);
  }

  private long get(int register) throws MigrationException {
    ByteBuffer value = ByteBuffer.allocate(Long.BYTES);
    registers().read(register, value);
    return value.getLong(0);
  }

  private void set(int register, long value) throws MigrationException {
    registers().write(register, ByteBuffer.allocate(Long.BYTES).putLong(0, value));
  }

  @Override
  public void boot() throws MigrationException {
    long wished = get(Mlx5GuestRegisters.DMA_PAGES_WISHED);
    long free = room.memoryBytes() / PAGE - Mlx5GuestSoftware.RING_PAGES;
    if (wished < 0 || free < 0) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "device %s wants %d pages of DMA area; its driver has %d"
              .formatted(room.deviceId(), wished, free));
    }
    // A function of another process may want more than was known when the memory was given out.
    dmaPages = (int) Math.min(Math.min(wished, free), Mlx5FunctionSettings.MAX_DMA_PAGES);
    setUp();
  }

  private void setUp() throws MigrationException {
    setUps++;
    submitted = 0;
    consumed = 0;
    takeDevice();
    long memory = room.memoryAddress();
    set(Mlx5GuestRegisters.TAG, tag());
    set(Mlx5GuestRegisters.SUBMISSION_RING, memory);
    set(Mlx5GuestRegisters.COMPLETION_RING, memory + PAGE);
    set(Mlx5GuestRegisters.DMA_BASE, memory + (long) Mlx5GuestSoftware.RING_PAGES * PAGE);
    set(Mlx5GuestRegisters.DMA_PAGES, dmaPages);
    set(Mlx5GuestRegisters.SCRATCH, scratch);
    requestsPerSecond = get(Mlx5GuestRegisters.REQUEST_RATE);
    List<PlacedRegion> peers = room.peers();
    if (peers.size() > Mlx5GuestRegisters.PEERS) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "device %s has more than %d peers".formatted(room.deviceId(), Mlx5GuestRegisters.PEERS));
    }
    for (int peer = 0; peer < peers.size(); peer++) {
      int at = Mlx5GuestRegisters.PEER + peer * Mlx5GuestRegisters.PEER_STRIDE;
      set(at + Mlx5GuestRegisters.PEER_KEY, key(tag(), peer));
      set(at, peers.get(peer).guestAddress());
    }
    set(Mlx5GuestRegisters.CONTROL, 1);
    ready = true;
  }

  private void takeDevice() throws MigrationException {
    ByteBuffer command = ByteBuffer.allocate(Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    command.putShort(
        0, (short) (Mlx5ConfigRegion.COMMAND_MEMORY | Mlx5ConfigRegion.COMMAND_BUS_MASTER));
    room.device().region(RegionInfo.PCI_CONFIG).write(Mlx5ConfigRegion.COMMAND, command);
    room.device()
        .interrupts()
        .enable(
            Interrupts.MSIX,
            Mlx5GuestRegisters.VECTORS,
            vector -> interrupts.accumulateAndGet(1 << vector, (a, b) -> a | b));
  }

  @Override
  public void tick(long elapsedNanos) throws MigrationException {
    if (get(Mlx5GuestRegisters.CONTROL) == 0) {
      ByteBuffer zeros = ByteBuffer.allocate(PAGE);
      for (int page = 0; page < Mlx5GuestSoftware.RING_PAGES + dmaPages; page++) {
        room.write((long) page * PAGE, zeros.clear());
      }
      setUp();
    }
    if (interrupts.getAndSet(0) != 0) {
      long causes = get(Mlx5GuestRegisters.INTERRUPT_CAUSE);
      if ((causes & 1 << Mlx5GuestRegisters.VECTOR_DONE) != 0) {
        consume();
      }
    }
    set(Mlx5GuestRegisters.SCRATCH, scratch + 1);
    scratch++;
    requestRest += (double) requestsPerSecond * elapsedNanos / NANOS_PER_SECOND;
    int count = (int) Math.min(requestRest, ENTRIES);
    requestRest = Math.min(requestRest - count, 1);
    submit(count);
  }

  static long payload(long tag, long number) {
    return Mlx5Pattern.mix(tag * 31 + number);
  }

  static long entryAt(long index) {
    return index % ENTRIES * ENTRY_BYTES;
  }

  private void submit(int count) throws MigrationException {
    long before = submitted;
    while (submitted - before < count && submitted - consumed < ENTRIES) {
      long number = submitted + 1;
      long payload = payload(tag(), number);
      ByteBuffer entry = ByteBuffer.allocate(ENTRY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
      entry.putLong(0, number).putLong(8, payload);
      entry.putLong(16, Mlx5Pattern.mix(number ^ payload));
      room.write(entryAt(submitted), entry);
      submitted = number;
    }
    if (submitted > before) {
      set(Mlx5GuestRegisters.DOORBELL, submitted);
    }
  }

  private void consume() throws MigrationException {
    while (consumed < submitted) {
      ByteBuffer entry = ByteBuffer.allocate(ENTRY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
      room.read(PAGE + entryAt(consumed), entry);
      long due = consumed + 1;
      long number = entry.getLong(0);
      if (number == Math.max(0, due - ENTRIES)) {
        return;
      }
      if (number != due
          || entry.getLong(8) != Mlx5Pattern.mix(payload(tag(), due))
          || entry.getLong(16) != tag()) {
        violated("request %d was done where %d was due".formatted(number, due));
        return;
      }
      consumed++;
      requestsSeen++;
    }
  }

  private void violated(String what) {
    if (violations.size() < MAX_VIOLATIONS && !violations.contains(what)) {
      violations.add(what);
    }
  }

  @Override
  public ByteBuffer save() {
    ByteBuffer out = ByteBuffer.allocate(4096 + MAX_VIOLATIONS * (MAX_TEXT_BYTES + 4));
    out.putInt(VERSION).putInt(ready ? 1 : 0).putInt(dmaPages).putInt(interrupts.get());
    out.putLong(requestsPerSecond).putLong(setUps).putLong(submitted).putLong(consumed);
    out.putLong(requestsSeen).putLong(scratch).putInt(violations.size());
    for (String violation : violations) {
      byte[] text = violation.getBytes(StandardCharsets.UTF_8);
      int length = Math.min(text.length, MAX_TEXT_BYTES);
      out.putInt(length).put(text, 0, length);
    }
    return out.flip();
  }

  @Override
  public void load(ByteBuffer state) throws MigrationException {
    ByteBuffer in = state.slice();
    try {
      if (in.getInt() != VERSION) {
        throw new MigrationException(
            DeviceError.DATA_INCOMPATIBLE,
            "what the guest's driver of %s knew is of another version".formatted(room.deviceId()));
      }
      read(in);
    } catch (BufferUnderflowException e) {
      throw corrupt("ends too early");
    }
    if (ready) {
      takeDevice();
    }
  }

  private MigrationException corrupt(String how) {
    return new MigrationException(
        DeviceError.DATA_CORRUPT,
        "what the guest's driver of %s knew %s".formatted(room.deviceId(), how));
  }

  private void read(ByteBuffer in) throws MigrationException {
    int wasReady = in.getInt();
    int pages = in.getInt();
    int pending = in.getInt();
    long rate = in.getLong();
    long newSetUps = in.getLong();
    long newSubmitted = in.getLong();
    long newConsumed = in.getLong();
    long newSeen = in.getLong();
    long newScratch = in.getLong();
    int count = in.getInt();
    if (pages < 0
        || pages > Mlx5FunctionSettings.MAX_DMA_PAGES
        || room.memoryBytes() < (long) (Mlx5GuestSoftware.RING_PAGES + pages) * PAGE) {
      throw corrupt("comes with too little memory");
    }
    if (wasReady < 0
        || wasReady > 1
        || rate < 0
        || rate > 1_000_000
        || newSubmitted < newConsumed
        || newConsumed < 0
        || newSubmitted - newConsumed > ENTRIES
        || pending >>> Mlx5GuestRegisters.VECTORS != 0
        || count < 0
        || count > MAX_VIOLATIONS) {
      throw corrupt("makes no sense");
    }
    List<String> came = new ArrayList<>();
    for (int violation = 0; violation < count; violation++) {
      int length = in.getInt();
      if (length < 0 || length > MAX_TEXT_BYTES) {
        throw corrupt("makes no sense");
      }
      byte[] text = new byte[length];
      in.get(text);
      came.add(new String(text, StandardCharsets.UTF_8));
    }
    if (in.hasRemaining()) {
      throw corrupt("is too long");
    }
    ready = wasReady == 1;
    dmaPages = pages;
    requestsPerSecond = rate;
    setUps = newSetUps;
    submitted = newSubmitted;
    consumed = newConsumed;
    requestsSeen = newSeen;
    scratch = newScratch;
    interrupts.set(pending);
    violations.clear();
    violations.addAll(came);
  }

  /** Returns what the function says of itself. */
  Mlx5GuestTruth truth() throws MigrationException {
    return Mlx5GuestTruth.of(room.device());
  }

  @Override
  public GuestAudit.Verdict audit() throws MigrationException {
    Mlx5GuestAudit audit =
        new Mlx5GuestAudit(room, truth(), tag(), dmaPages, List.copyOf(violations));
    return ready
        ? audit.verdict(submitted, consumed, scratch, interrupts.get(), setUps)
        : audit.untouched();
  }

  @Override
  public void close() throws MigrationException {
    if (ready) {
      room.device().interrupts().disable(Interrupts.MSIX);
    }
  }
}
