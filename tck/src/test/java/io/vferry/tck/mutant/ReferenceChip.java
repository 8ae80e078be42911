package io.vferry.tck.mutant;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.model.GuestSoftware;
import io.vferry.spi.state.FeatureSet;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A small accelerator whose migration hardware leaves much to its driver: it says what it does
 * through flags, goes on with what is under way after it was told to stop, and keeps its counters
 * in a cache. Its monitor guards it; it calls nobody while it holds the monitor.
 */
final class ReferenceChip implements HostDevice {

  static final int GUEST = 0;
  static final int MIGRATION = 2;
  static final int MAILBOX = 4;

  static final int ENABLE = 0x00;
  static final int BASE = 0x08;
  static final int DOORBELL = 0x10;
  static final int IRQ_STATUS = 0x18;
  static final int PEER_ADDRESS = 0x20;

  static final int FLAGS = 0x00;
  static final int QUIET = 1;
  static final int STOPPED = 2;
  static final int SAVING = 4;
  static final int LOADING = 8;
  static final int FAILED = 16;

  /** What is under way; each read takes a while. */
  static final int BUSY = 0x08;

  static final int FEATURES = 0x10;
  static final int KIND = 0x18;
  static final int FIRMWARE = 0x20;

  /** The next page that changed, or -1; it counts as saved then. */
  static final int NEXT_DIRTY = 0x30;

  static final int DIRTY_PAGES = 0x38;
  static final int SELECT = 0x40;

  /** Takes the core from its window. */
  static final int COMMIT = 0x50;

  /** Whether the last write of FLAGS or COMMIT was refused. */
  static final int REFUSED = 0x58;

  /** Writes the cached counters to where they can be read. */
  static final int FLUSH = 0x60;

  static final int IRQ_OFF = 0x68;
  static final int PAUSE = 0x70;
  static final int REJECT = 0x78;
  static final int PEERS_OFF = 0x80;
  static final int MARK_ALL = 0x88;
  static final int WINDOW = 0x1000;
  static final int CORE = 0x2000;

  static final int PAGES = 16;
  static final int PAGE_BYTES = 256;
  static final int CORE_LONGS = 10;
  static final int CORE_BYTES = CORE_LONGS * Long.BYTES;
  static final int GUEST_PAGES = 4;
  static final int SLOTS = 500;

  private static final long TICK_NANOS = 100_000;
  private static final long DMA_NANOS = 60_000;
  private static final long IRQ_NANOS = 40_000;
  private static final long MAIL_NANOS = 30_000;
  private static final long BUSY_NANOS = 5_000;

  /** What is saved and loaded. */
  static final class Core {
    long enabled;
    long base;
    long doorbell;
    long started;
    long completed;
    long irqStatus;
    long irqPending;
    long peer;
    long sent;
    long versions;

    byte[] encode() {
      return ByteBuffer.allocate(CORE_BYTES)
          .order(ByteOrder.LITTLE_ENDIAN)
          .putLong(enabled)
          .putLong(base)
          .putLong(doorbell)
          .putLong(started)
          .putLong(completed)
          .putLong(irqStatus)
          .putLong(irqPending)
          .putLong(peer)
          .putLong(sent)
          .putLong(versions)
          .array();
    }

    static Core decode(byte[] bytes) {
      ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      Core core = new Core();
      core.enabled = in.getLong();
      core.base = in.getLong();
      core.doorbell = in.getLong();
      core.started = in.getLong();
      core.completed = in.getLong();
      core.irqStatus = in.getLong();
      core.irqPending = in.getLong();
      core.peer = in.getLong();
      core.sent = in.getLong();
      core.versions = in.getLong();
      return core;
    }
  }

  /** A change of FLAGS. */
  record Refusal(long from, long to) {}

  private record Mapping(MemoryRange range, @Nullable ByteBuffer memory, @Nullable Region peer) {}

  private final HostClock clock;
  private final FeatureSet features;
  private final int kind;
  private final int firmware;
  private final Optional<Refusal> refusedArc;
  private final byte[][] pages = new byte[PAGES][PAGE_BYTES];
  private final TreeSet<Integer> dirty = new TreeSet<>();
  private final TreeMap<Long, Mapping> mappings = new TreeMap<>();
  private final TreeSet<Long> logged = new TreeSet<>();
  private boolean logging;
  private long logPageBytes = 4096;
  private Core core = new Core();
  private byte[] visible = new byte[CORE_BYTES];
  private byte[] window = new byte[CORE_BYTES];
  private long flags;
  private long refused;
  private boolean refusedOnce;
  private long irqOff;
  private long pause;
  private long reject;
  private long peersOff;
  private int selected;
  private int underWay;
  private long generation;
  private long ticks;
  private long lostMail;
  private Interrupts.@Nullable Listener listener;
  private boolean closed;

  /**
   * Creates a chip.
   *
   * @param refusedArc the change of FLAGS that is refused once
   */
  ReferenceChip(
      FeatureSet features,
      int kind,
      int firmware,
      Optional<Refusal> refusedArc,
      OpenContext context) {
    this.clock = context.clock();
    this.features = features;
    this.kind = kind;
    this.firmware = firmware;
    this.refusedArc = refusedArc;
    powerOn();
    clock.schedule(TICK_NANOS, this::tick);
  }

  private void powerOn() {
    core = new Core();
    for (int page = 0; page < PAGES; page++) {
      pages[page] = new byte[PAGE_BYTES];
      change(page);
    }
    visible = core.encode();
  }

  private void change(int page) {
    ByteBuffer bytes = ByteBuffer.wrap(pages[page]).order(ByteOrder.LITTLE_ENDIAN);
    long version = bytes.getLong(0) + 1;
    for (int at = 0; at < PAGE_BYTES; at += Long.BYTES) {
      bytes.putLong(at, version);
    }
    core.versions++;
    dirty.add(page);
  }

  /** Returns the core as the chip itself sees it. */
  synchronized Core truth() {
    return Core.decode(core.encode());
  }

  synchronized long lostMail() {
    return lostMail;
  }

  synchronized long versionsOfPages() {
    long sum = 0;
    for (byte[] page : pages) {
      ByteBuffer bytes = ByteBuffer.wrap(page).order(ByteOrder.LITTLE_ENDIAN);
      sum += bytes.getLong(0);
      if (bytes.getLong(0) != bytes.getLong(PAGE_BYTES - Long.BYTES)) {
        return -1;
      }
    }
    return sum;
  }

  private void tick() {
    synchronized (this) {
      if (closed) {
        return;
      }
      clock.schedule(TICK_NANOS, this::tick);
      if ((flags & (STOPPED | FAILED | LOADING)) != 0 || pause != 0) {
        return;
      }
      ticks++;
      if (core.enabled != 0 && ticks % 2 == 0) {
        change((int) (ticks / 2 % PAGES));
      }
      if (core.enabled != 0 && core.started < core.doorbell) {
        core.started++;
        underWay++;
        long number = core.started;
        long born = generation;
        clock.schedule(DMA_NANOS, () -> complete(number, born));
      }
      if (core.peer != 0 && ticks % 3 == 0 && (flags & QUIET) == 0 && peersOff == 0) {
        underWay++;
        long born = generation;
        clock.schedule(MAIL_NANOS, () -> mail(born));
      }
    }
    interrupt();
  }

  private void complete(long number, long born) {
    synchronized (this) {
      if (born != generation || closed) {
        return;
      }
      underWay--;
      long address = slot(core.base, number);
      Mapping mapping = find(address);
      if (mapping != null && mapping.memory != null) {
        mapping.memory.putLong((int) (address - mapping.range.start()), number);
        if (logging) {
          logged.add(address >>> 12);
        }
      }
      core.completed = number;
      if (core.irqStatus == 0) {
        core.irqStatus = 1;
        core.irqPending = 1;
        clock.schedule(IRQ_NANOS, this::interrupt);
      }
    }
  }

  static long slot(long base, long number) {
    return base + 4096 * (1 + number % (GUEST_PAGES - 1)) + number % SLOTS * Long.BYTES;
  }

  private void interrupt() {
    Interrupts.Listener told;
    synchronized (this) {
      told = listener;
      if (core.irqPending == 0 || told == null || irqOff != 0 || closed) {
        return;
      }
      core.irqPending = 0;
    }
    told.signalled(0);
  }

  private void mail(long born) {
    Region peer;
    synchronized (this) {
      if (born != generation || closed) {
        return;
      }
      underWay--;
      core.sent++;
      Mapping mapping = find(core.peer);
      if (mapping == null || mapping.peer == null) {
        return;
      }
      peer = mapping.peer;
    }
    try {
      peer.write(0, ByteBuffer.allocate(Long.BYTES));
    } catch (MigrationException e) {
      throw new IllegalStateException(e);
    }
  }

  private @Nullable Mapping find(long address) {
    Map.Entry<Long, Mapping> entry = mappings.floorEntry(address);
    return entry != null && entry.getValue().range.contains(new MemoryRange(address, 8))
        ? entry.getValue()
        : null;
  }

  private long get(int register) throws MigrationException {
    if (register == BUSY) {
      try {
        clock.sleep(BUSY_NANOS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new MigrationException(DeviceError.INTERRUPTED, "interrupted", e);
      }
    }
    synchronized (this) {
      return switch (register) {
        case FLAGS -> flags;
        case BUSY -> underWay;
        case FEATURES -> features.flags();
        case KIND -> kind;
        case FIRMWARE -> firmware;
        case NEXT_DIRTY -> dirty.isEmpty() ? -1 : dirty.pollFirst();
        case DIRTY_PAGES -> dirty.size();
        case REFUSED -> refused;
        default -> 0;
      };
    }
  }

  private synchronized void set(int register, long value) {
    switch (register) {
      case FLAGS -> {
        boolean meant = refusedArc.filter(new Refusal(flags, value)::equals).isPresent();
        refused = meant && !refusedOnce ? 1 : 0;
        if (refused != 0) {
          refusedOnce = true;
        } else {
          flags = value;
        }
      }
      case SELECT -> selected = (int) value;
      case COMMIT -> {
        core = Core.decode(window);
        visible = window.clone();
        dirty.clear();
        refused = 0;
      }
      case FLUSH -> visible = core.encode();
      case IRQ_OFF -> irqOff = value;
      case PAUSE -> pause = value;
      case REJECT -> reject = value;
      case PEERS_OFF -> peersOff = value;
      case MARK_ALL -> {
        for (int page = 0; page < PAGES; page++) {
          dirty.add(page);
        }
      }
      default -> throw new IllegalStateException("no register at " + register);
    }
  }

  private synchronized long guestGet(int register) {
    if ((flags & STOPPED) != 0) {
      return 0;
    }
    return switch (register) {
      case ENABLE -> core.enabled;
      case BASE -> core.base;
      case DOORBELL -> core.doorbell;
      case IRQ_STATUS -> {
        long status = core.irqStatus;
        core.irqStatus = 0;
        yield status;
      }
      default -> 0;
    };
  }

  private synchronized void guestSet(int register, long value) {
    if ((flags & STOPPED) != 0) {
      return;
    }
    switch (register) {
      case ENABLE -> core.enabled = value;
      case BASE -> core.base = value;
      case DOORBELL -> core.doorbell = value;
      case PEER_ADDRESS -> core.peer = value;
      default -> throw new IllegalStateException("no register at " + register);
    }
  }

  private synchronized void arrived() {
    if ((flags & (STOPPED | LOADING)) != 0 || reject != 0) {
      lostMail++;
    }
  }

  @Override
  public HostDeviceInfo info() {
    return new HostDeviceInfo(
        new DeviceAddress("sim", "reference", Map.of()),
        "sim",
        0xf5f6,
        kind,
        0,
        0,
        false,
        Map.of());
  }

  @Override
  public List<RegionInfo> regions() {
    return List.of(
        new RegionInfo(GUEST, 4096, true, true, false),
        new RegionInfo(MIGRATION, 0x3000, true, true, false),
        new RegionInfo(MAILBOX, 4096, true, true, false));
  }

  @Override
  public Region region(int index) throws MigrationException {
    if (regions().stream().noneMatch(info -> info.index() == index)) {
      throw new MigrationException(DeviceError.BAD_REQUEST, "no region " + index);
    }
    return new Bar(index);
  }

  @Override
  public Interrupts interrupts() {
    return new Vector();
  }

  @Override
  public DmaSpace dma() {
    return new Space();
  }

  @Override
  public synchronized void reset() {
    flags = 0;
    refused = 0;
    irqOff = 0;
    pause = 0;
    reject = 0;
    peersOff = 0;
    underWay = 0;
    generation++;
    dirty.clear();
    powerOn();
  }

  @Override
  public Optional<HostDevice> companion(String role) {
    return Optional.empty();
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    if (type == GuestSoftware.class) {
      return Optional.of(type.cast(new ReferenceGuest()));
    }
    if (type == DmaLog.class) {
      return Optional.of(type.cast(new Log()));
    }
    return type == ReferenceChip.class ? Optional.of(type.cast(this)) : Optional.empty();
  }

  @Override
  public synchronized void close() {
    closed = true;
  }

  /** Registers of eight bytes, and windows. */
  private final class Bar implements Region {

    private final int index;

    Bar(int index) {
      this.index = index;
    }

    @Override
    public RegionInfo info() {
      return regions().stream().filter(one -> one.index() == index).findFirst().orElseThrow();
    }

    @Override
    public void read(long offset, ByteBuffer into) throws MigrationException {
      if (index == MIGRATION && offset >= WINDOW) {
        byte[] from = offset >= CORE ? visible : pages[selected];
        into.put(from, (int) (offset - (offset >= CORE ? CORE : WINDOW)), into.remaining());
        return;
      }
      long value = index == MIGRATION ? get((int) offset) : guestGet((int) offset);
      into.put(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, value));
    }

    @Override
    public void write(long offset, ByteBuffer from) {
      if (index == MAILBOX) {
        from.position(from.limit());
        arrived();
        return;
      }
      if (index == MIGRATION && offset >= WINDOW) {
        byte[] to = offset >= CORE ? window : pages[selected];
        from.get(to, (int) (offset - (offset >= CORE ? CORE : WINDOW)), from.remaining());
        return;
      }
      byte[] bytes = new byte[Long.BYTES];
      from.get(bytes);
      long value = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
      if (index == MIGRATION) {
        set((int) offset, value);
      } else {
        guestSet((int) offset, value);
      }
    }

    @Override
    public Optional<ByteBuffer> map(long offset, int lengthBytes) {
      return Optional.empty();
    }
  }

  /** One message-signalled interrupt. */
  private final class Vector implements Interrupts {

    @Override
    public List<Info> info() {
      return List.of(new Info(MSIX, 1, false, false));
    }

    @Override
    public void enable(int index, int vectors, Listener told) {
      synchronized (ReferenceChip.this) {
        listener = told;
      }
    }

    @Override
    public void disable(int index) {
      synchronized (ReferenceChip.this) {
        listener = null;
      }
    }

    @Override
    public void mask(int index, int vector) throws MigrationException {
      throw new MigrationException(DeviceError.BAD_REQUEST, "cannot be masked");
    }

    @Override
    public void unmask(int index, int vector) throws MigrationException {
      throw new MigrationException(DeviceError.BAD_REQUEST, "cannot be masked");
    }

    @Override
    public void trigger(int index, int vector) {
      interrupt();
    }
  }

  /** What the chip reaches. */
  private final class Space implements DmaSpace {

    @Override
    public List<MemoryRange> usableRanges() {
      return List.of(new MemoryRange(0, 1L << 48));
    }

    @Override
    public long pageSizeBytes() {
      return 4096;
    }

    @Override
    public void map(long iova, ByteBuffer memory, Direction direction) {
      synchronized (ReferenceChip.this) {
        ByteBuffer bytes = memory.slice().order(ByteOrder.LITTLE_ENDIAN);
        MemoryRange range = new MemoryRange(iova, bytes.remaining());
        mappings.put(iova, new Mapping(range, bytes, null));
      }
    }

    @Override
    public void mapPeer(long iova, Region peer, MemoryRange part) {
      synchronized (ReferenceChip.this) {
        mappings.put(iova, new Mapping(new MemoryRange(iova, part.length()), null, peer));
      }
    }

    @Override
    public void unmap(MemoryRange iovaRange) {
      synchronized (ReferenceChip.this) {
        mappings.remove(iovaRange.start());
      }
    }
  }

  /** The log of written pages. */
  private final class Log implements DmaLog {

    @Override
    public long start(List<MemoryRange> iovaRanges, long pageSizeBytes) throws MigrationException {
      synchronized (ReferenceChip.this) {
        if (logging) {
          throw new MigrationException(DeviceError.WRONG_STATE, "the log is on already");
        }
        logging = true;
        logged.clear();
        logPageBytes = pageSizeBytes;
        return pageSizeBytes;
      }
    }

    @Override
    public void stop() {
      synchronized (ReferenceChip.this) {
        logging = false;
      }
    }

    @Override
    public void report(DirtyBitmap into) throws MigrationException {
      synchronized (ReferenceChip.this) {
        if (!logging) {
          throw new MigrationException(DeviceError.DMA_LOG_FAILED, "the log is off");
        }
        for (long page : new ArrayList<>(logged)) {
          long address = page << 12;
          if (into.range().overlaps(new MemoryRange(address, 4096))) {
            into.mark(new MemoryRange(address & -logPageBytes, logPageBytes));
            logged.remove(page);
          }
        }
      }
    }
  }
}
