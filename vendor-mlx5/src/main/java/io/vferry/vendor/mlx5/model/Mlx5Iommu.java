package io.vferry.vendor.mlx5.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.Region;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A function's view of memory: what is not mapped is not reached. Any thread.
 *
 * <p>An access to a peer's region may wait for another process, up to that one's deadline. The card
 * gives up its lock meanwhile, not its {@link Mlx5Turn}. So such an access must not need work of
 * this card, or of another one, to be done: the regions of cards take nothing but messages.
 */
final class Mlx5Iommu implements DmaSpace {

  static final int PAGE_SHIFT = 12;
  static final int PAGE_BYTES = 1 << PAGE_SHIFT;

  /** What lies behind a range of addresses; accesses are inside, and in one direction. */
  private sealed interface Mapping {
    MemoryRange range();

    boolean allows(Direction wanted);

    /** Whether an access asks another process. */
    boolean asks();

    void read(long at, ByteBuffer into) throws MigrationException;

    void write(long at, ByteBuffer from) throws MigrationException;
  }

  private record Memory(MemoryRange range, ByteBuffer bytes, Direction direction)
      implements Mapping {

    @Override
    public boolean allows(Direction wanted) {
      return direction == Direction.READ_WRITE || direction == wanted;
    }

    @Override
    public boolean asks() {
      return false;
    }

    @Override
    public void read(long at, ByteBuffer into) {
      into.put(bytes.slice((int) at, into.remaining()));
    }

    @Override
    public void write(long at, ByteBuffer from) {
      bytes.slice((int) at, from.remaining()).put(from);
    }
  }

  private record Peer(MemoryRange range, Region region, long offset) implements Mapping {

    @Override
    public boolean allows(Direction wanted) {
      // A card's own region takes its lock: only messages go there, and those without one.
      return !(region instanceof Mlx5Region)
          && (wanted == Direction.READ ? region.info().readable() : region.info().writable());
    }

    @Override
    public boolean asks() {
      return !(region instanceof Mlx5Region);
    }

    @Override
    public void read(long at, ByteBuffer into) throws MigrationException {
      region.read(offset + at, into);
    }

    @Override
    public void write(long at, ByteBuffer from) throws MigrationException {
      region.write(offset + at, from);
    }
  }

  /** What an access reaches without a break, at least a byte. */
  private record Stretch(Mapping mapping, long at, int lengthBytes) {}

  /** Where a write to a peer goes. */
  record Destination(Region region, long offset) {}

  /** Addresses of 48 bits; the window of message-signalled interrupts is not for memory. */
  private static final List<MemoryRange> USABLE =
      List.of(
          new MemoryRange(0, 0xfee00000L), new MemoryRange(0xfef00000L, (1L << 48) - 0xfef00000L));

  /**
   * How long a reset waits for accesses that are under way, as a function level reset may take: PCI
   * Express Base Specification, 6.6.2.
   */
  private static final long RESET_NANOS = 100_000_000;

  private static final long STEP_NANOS = 10_000;

  private final Mlx5Turn turn;
  private final AtomicLong life = new AtomicLong();
  private final AtomicInteger underWay = new AtomicInteger();
  private final NavigableMap<Long, Mapping> mappings = new TreeMap<>();
  private final Set<Long> failing = new HashSet<>();
  private long misses;
  private int asking;

  Mlx5Iommu(Mlx5Turn turn) {
    this.turn = turn;
  }

  /** Whether some memory is another process's, which has to be asked for each access. */
  synchronized boolean asks() {
    return asking > 0;
  }

  /** Whether an access that asks another process is under way. */
  boolean waits() {
    return underWay.get() > 0;
  }

  /** Ends the work that waits for memory here, as a reset does; the card's lock is held. */
  void overtake() {
    life.incrementAndGet();
  }

  /** Waits until what was overtaken has arrived, but not for ever; the lock is not held. */
  void await(HostClock clock) {
    long end = clock.nanoTime() + RESET_NANOS;
    try {
      while (waits() && clock.nanoTime() < end) {
        clock.sleep(STEP_NANOS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public List<MemoryRange> usableRanges() {
    return USABLE;
  }

  @Override
  public long pageSizeBytes() {
    return PAGE_BYTES;
  }

  @Override
  public void map(long iova, ByteBuffer memory, Direction direction) throws MigrationException {
    if (!memory.isDirect() || (memory.isReadOnly() && direction != Direction.READ)) {
      throw refused("memory at 0x%x is not direct, or is read-only".formatted(iova));
    }
    add(new Memory(range(iova, memory.remaining()), memory.slice(), direction));
  }

  @Override
  public void mapPeer(long iova, Region peer, MemoryRange part) throws MigrationException {
    MemoryRange range = range(iova, part.length());
    if (part.start() < 0
        || part.start() % PAGE_BYTES != 0
        || part.last() < 0
        || part.last() >= peer.info().sizeBytes()) {
      throw refused("%s is no part of region %d".formatted(part, peer.info().index()));
    }
    add(new Peer(range, peer, part.start()));
  }

  @Override
  public synchronized void unmap(MemoryRange iovaRange) throws MigrationException {
    NavigableMap<Long, Mapping> inside =
        mappings.subMap(iovaRange.start(), true, iovaRange.last(), true);
    Map.Entry<Long, Mapping> before = mappings.lowerEntry(iovaRange.start());
    if (before != null && before.getValue().range().overlaps(iovaRange)) {
      throw refused("%s cuts the mapping %s".formatted(iovaRange, before.getValue().range()));
    }
    if (!inside.isEmpty() && !iovaRange.contains(inside.lastEntry().getValue().range())) {
      throw refused(
          "%s cuts the mapping %s".formatted(iovaRange, inside.lastEntry().getValue().range()));
    }
    asking -= (int) inside.values().stream().filter(Mapping::asks).count();
    inside.clear();
  }

  /**
   * Reads memory by DMA.
   *
   * @param address anything
   * @param into is filled
   * @return whether all of it could be read
   */
  boolean read(long address, ByteBuffer into) {
    return access(address, into, Direction.READ);
  }

  /** Reads memory by DMA; returns null if it cannot be read. */
  byte @Nullable [] read(long address, int lengthBytes) {
    byte[] bytes = new byte[lengthBytes];
    return read(address, ByteBuffer.wrap(bytes)) ? bytes : null;
  }

  /**
   * Writes memory by DMA.
   *
   * @param address anything
   * @param from is used up
   * @return whether all of it could be written; what lies before the fault was written all the same
   */
  boolean write(long address, ByteBuffer from) {
    return access(address, from, Direction.WRITE);
  }

  private boolean access(long address, ByteBuffer bytes, Direction wanted) {
    long at = address;
    while (bytes.hasRemaining()) {
      Stretch stretch = stretch(at, bytes.remaining(), wanted);
      if (stretch == null) {
        return false;
      }
      ByteBuffer part = bytes.slice(bytes.position(), stretch.lengthBytes);
      try {
        if (stretch.mapping.asks()) {
          underWay.incrementAndGet();
          try {
            turn.access(() -> access(stretch, part, wanted), life::get);
          } finally {
            underWay.decrementAndGet();
          }
        } else {
          access(stretch, part, wanted);
        }
      } catch (MigrationException e) {
        // The device learns no more than that nobody answered.
        missed();
        return false;
      }
      bytes.position(bytes.position() + stretch.lengthBytes);
      at += stretch.lengthBytes;
    }
    return true;
  }

  /** Without the monitor: a peer may take its time, and others map and unmap meanwhile. */
  private static void access(Stretch stretch, ByteBuffer part, Direction wanted)
      throws MigrationException {
    if (wanted == Direction.READ) {
      stretch.mapping.read(stretch.at, part);
    } else {
      stretch.mapping.write(stretch.at, part);
    }
  }

  /** Returns the peer's region behind an address, if one is mapped there. */
  synchronized @Nullable Destination peer(long address, int lengthBytes) {
    return find(address) instanceof Peer peer
            && address <= Long.MAX_VALUE - lengthBytes
            && peer.range.contains(new MemoryRange(address, lengthBytes))
        ? new Destination(peer.region, peer.offset + (address - peer.range.start()))
        : null;
  }

  /** Lets each access to one page fail from now on, or no longer. */
  synchronized void fail(long address, boolean fails) {
    if (fails) {
      failing.add(address >>> PAGE_SHIFT);
    } else {
      failing.remove(address >>> PAGE_SHIFT);
    }
  }

  /** Returns how many accesses reached nothing. */
  synchronized long misses() {
    return misses;
  }

  private synchronized void missed() {
    misses++;
  }

  /** Returns as much as is contiguous, or null if the access must fail. */
  private synchronized @Nullable Stretch stretch(long address, int length, Direction wanted) {
    Mapping mapping = find(address);
    if (mapping == null || !mapping.allows(wanted) || failing.contains(address >>> PAGE_SHIFT)) {
      misses++;
      return null;
    }
    long contiguous = Math.min(length, mapping.range().last() - address + 1);
    if (!failing.isEmpty()) {
      contiguous = Math.min(contiguous, PAGE_BYTES - (address & (PAGE_BYTES - 1)));
    }
    return new Stretch(mapping, address - mapping.range().start(), (int) contiguous);
  }

  private @Nullable Mapping find(long address) {
    Map.Entry<Long, Mapping> entry = mappings.floorEntry(address);
    return entry != null && address >= 0 && entry.getValue().range().last() >= address
        ? entry.getValue()
        : null;
  }

  private static MemoryRange range(long iova, long length) throws MigrationException {
    if (length <= 0
        || length % PAGE_BYTES != 0
        || iova % PAGE_BYTES != 0
        || iova < 0
        || iova > Long.MAX_VALUE - length) {
      throw refused("0x%x bytes at 0x%x are not whole pages".formatted(length, iova));
    }
    MemoryRange range = new MemoryRange(iova, length);
    for (MemoryRange usable : USABLE) {
      if (usable.contains(range)) {
        return range;
      }
    }
    throw refused(range + " is outside the usable ranges " + USABLE);
  }

  private synchronized void add(Mapping mapping) throws MigrationException {
    Map.Entry<Long, Mapping> before = mappings.floorEntry(mapping.range().last());
    if (before != null && before.getValue().range().overlaps(mapping.range())) {
      throw refused(mapping.range() + " is mapped already, by " + before.getValue().range());
    }
    mappings.put(mapping.range().start(), mapping);
    asking += mapping.asks() ? 1 : 0;
  }

  private static MigrationException refused(String what) {
    return new MigrationException(DeviceError.BAD_REQUEST, "DMA mapping refused: " + what);
  }
}
