package io.vferry.vendor.hisiacc.model;

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

/** A function's view of memory, as an IOMMU gives it. Any thread. */
final class HisiAccDmaSpace implements DmaSpace {

  private record Mapping(MemoryRange range, ByteBuffer bytes, Direction direction) {}

  private static final List<MemoryRange> USABLE = List.of(new MemoryRange(0, 1L << 48));

  private final int pageBytes;
  private final NavigableMap<Long, Mapping> mappings = new TreeMap<>();

  HisiAccDmaSpace(int pageBytes) {
    this.pageBytes = pageBytes;
  }

  @Override
  public List<MemoryRange> usableRanges() {
    return USABLE;
  }

  @Override
  public long pageSizeBytes() {
    return pageBytes;
  }

  @Override
  public synchronized void map(long iova, ByteBuffer memory, Direction direction)
      throws MigrationException {
    if (!memory.isDirect() || (memory.isReadOnly() && direction != Direction.READ)) {
      throw refused("memory at 0x%x is not direct, or is read-only".formatted(iova));
    }
    long length = memory.remaining();
    if (length == 0
        || length % pageBytes != 0
        || iova % pageBytes != 0
        || iova < 0
        || iova > (1L << 48) - length) {
      throw refused("0x%x bytes at 0x%x are not whole pages".formatted(length, iova));
    }
    MemoryRange range = new MemoryRange(iova, length);
    Map.Entry<Long, Mapping> before = mappings.floorEntry(range.last());
    if (before != null && before.getValue().range().overlaps(range)) {
      throw refused(range + " is mapped already, by " + before.getValue().range());
    }
    mappings.put(
        iova, new Mapping(range, memory.slice().order(ByteOrder.LITTLE_ENDIAN), direction));
  }

  @Override
  public void mapPeer(long iova, Region peer, MemoryRange part) throws MigrationException {
    throw refused("the accelerator does no DMA to other devices");
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

  /** Returns memory for an access, or null if the access must fail. */
  synchronized @Nullable ByteBuffer memory(long address, int length, Direction wanted) {
    Map.Entry<Long, Mapping> entry = mappings.floorEntry(address);
    if (entry == null || address < 0 || address > Long.MAX_VALUE - length || length <= 0) {
      return null;
    }
    Mapping mapping = entry.getValue();
    if (!mapping.range().contains(new MemoryRange(address, length))
        || (mapping.direction() != Direction.READ_WRITE && mapping.direction() != wanted)) {
      return null;
    }
    return mapping
        .bytes()
        .slice((int) (address - mapping.range().start()), length)
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  private static MigrationException refused(String what) {
    return new MigrationException(DeviceError.BAD_REQUEST, "DMA mapping refused: " + what);
  }
}
