package io.vferry.runtime.discovery;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import java.util.List;

/** A DMA log behind a fence. */
record FencedDmaLog(Fence fence, DmaLog inner) implements DmaLog {

  @Override
  public long start(List<MemoryRange> iovaRanges, long pageSizeBytes) throws MigrationException {
    long used = fence.call("start", () -> inner.start(iovaRanges, pageSizeBytes));
    if (used < pageSizeBytes || Long.bitCount(used) != 1) {
      fence.runQuietly("stop", inner::stop);
      throw fence.broken("start of the DMA log gave a page size of " + used + " bytes");
    }
    return used;
  }

  @Override
  public void stop() throws MigrationException {
    fence.run("stop", inner::stop);
  }

  @Override
  public void report(DirtyBitmap into) throws MigrationException {
    fence.run("report", () -> inner.report(into));
  }
}
