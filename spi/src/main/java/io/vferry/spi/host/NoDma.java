package io.vferry.spi.host;

import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.util.List;

/** What {@link DmaSpace#unused} says it is. */
enum NoDma implements DmaSpace {
  INSTANCE;

  private static final int ADDRESS_BITS = 48;

  @Override
  public List<MemoryRange> usableRanges() {
    return List.of(new MemoryRange(0, 1L << ADDRESS_BITS));
  }

  @Override
  public long pageSizeBytes() {
    return 4096;
  }

  @Override
  public void map(long iova, ByteBuffer memory, Direction direction) {}

  @Override
  public void mapPeer(long iova, Region peer, MemoryRange part) {}

  @Override
  public void unmap(MemoryRange iovaRange) {}
}
