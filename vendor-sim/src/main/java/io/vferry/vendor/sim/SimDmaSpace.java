package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.Region;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The device's view of memory, as an IOMMU gives it: what is not mapped is not reached. Any thread.
 */
final class SimDmaSpace implements DmaSpace {

  private sealed interface Mapping {
    MemoryRange range();
  }

  private record Memory(MemoryRange range, ByteBuffer bytes, Direction direction)
      implements Mapping {}

  private record Peer(MemoryRange range, Region region, long offset) implements Mapping {}

  /** Addresses of 48 bits; the window of message-signalled interrupts is not for memory. */
  private static final List<MemoryRange> USABLE =
      List.of(
          new MemoryRange(0, 0xfee00000L), new MemoryRange(0xfef00000L, (1L << 48) - 0xfef00000L));

  private final NavigableMap<Long, Mapping> mappings = new TreeMap<>();

  @Override
  public List<MemoryRange> usableRanges() {
    return USABLE;
  }

  @Override
  public long pageSizeBytes() {
    return SimPattern.PAGE_BYTES;
  }

  @Override
  public void map(long iova, ByteBuffer memory, Direction direction) throws MigrationException {
    if (!memory.isDirect() || (memory.isReadOnly() && direction != Direction.READ)) {
      throw refused("memory at 0x%x is not direct, or is read-only".formatted(iova));
    }
    MemoryRange range = range(iova, memory.remaining());
    add(new Memory(range, memory.slice().order(ByteOrder.LITTLE_ENDIAN), direction));
  }

  @Override
  public void mapPeer(long iova, Region peer, MemoryRange part) throws MigrationException {
    MemoryRange range = range(iova, part.length());
    if (part.start() < 0
        || part.start() % SimPattern.PAGE_BYTES != 0
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
    inside.clear();
  }

  /**
   * Returns memory for an access inside one page, or null if the access must fail.
   *
   * @param address anything
   */
  @Nullable ByteBuffer memory(long address, int length, Direction wanted) {
    if (find(address, length) instanceof Memory memory
        && (memory.direction == Direction.READ_WRITE || memory.direction == wanted)) {
      return memory
          .bytes
          .slice((int) (address - memory.range.start()), length)
          .order(ByteOrder.LITTLE_ENDIAN);
    }
    return null;
  }

  /**
   * Sends a write to another device, or to memory that only another process has. Call it without
   * holding any lock: the other device takes its own, and the other process may wait for this one.
   *
   * @return whether it arrived
   */
  boolean send(long address, ByteBuffer bytes) {
    if (find(address, bytes.remaining()) instanceof Peer peer) {
      try {
        peer.region.write(peer.offset + (address - peer.range.start()), bytes);
        return true;
      } catch (MigrationException e) {
        return false;
      }
    }
    return false;
  }

  /** Whether an access reaches memory that only another process has, to be asked by message. */
  boolean byMessage(long address, int length, Direction wanted) {
    // Another simulated device takes its own lock; only its messages may go there.
    return find(address, length) instanceof Peer peer
        && !(peer.region instanceof SimRegion)
        && (wanted == Direction.READ
            ? peer.region.info().readable()
            : peer.region.info().writable());
  }

  /**
   * Reads memory that only another process has, which may take long. Call it without holding any
   * lock.
   *
   * @param into filled, and not moved on
   * @return whether it was read
   */
  boolean receive(long address, ByteBuffer into) {
    if (find(address, into.remaining()) instanceof Peer peer) {
      try {
        peer.region.read(peer.offset + (address - peer.range.start()), into.duplicate());
        return true;
      } catch (MigrationException e) {
        return false;
      }
    }
    return false;
  }

  private synchronized @Nullable Mapping find(long address, int length) {
    Map.Entry<Long, Mapping> entry = mappings.floorEntry(address);
    if (entry == null || address < 0 || address > Long.MAX_VALUE - length) {
      return null;
    }
    Mapping mapping = entry.getValue();
    return mapping.range().contains(new MemoryRange(address, length)) ? mapping : null;
  }

  private static MemoryRange range(long iova, long length) throws MigrationException {
    if (length <= 0
        || length % SimPattern.PAGE_BYTES != 0
        || iova % SimPattern.PAGE_BYTES != 0
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
  }

  private static MigrationException refused(String what) {
    return new MigrationException(DeviceError.BAD_REQUEST, "DMA mapping refused: " + what);
  }
}
