package io.vferry.runtime.engine;

import io.vferry.spi.host.HostDevice;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.GuestMemory;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.vm.PlacedRegion;
import io.vferry.spi.vm.VirtualMachine;
import java.nio.ByteBuffer;
import java.util.List;

/** The machine that is none: devices are moved, and there is no memory and no vCPU. */
final class HeadlessMachine implements VirtualMachine {

  /** The name by which a manifest asks for it. */
  static final String ID = "none";

  private static final long PAGE_SIZE_BYTES = 4096;

  @Override
  public GuestMemory memory() {
    return new GuestMemory() {
      @Override
      public List<MemoryRange> layout() {
        return List.of();
      }

      @Override
      public long pageSizeBytes() {
        return PAGE_SIZE_BYTES;
      }

      @Override
      public ByteBuffer slice(MemoryRange range) {
        throw new IllegalArgumentException("there is no memory at " + range);
      }
    };
  }

  @Override
  public void plug(String id, HostDevice device) {}

  @Override
  public List<PlacedRegion> placedRegions() {
    return List.of();
  }

  @Override
  public void resume() {}

  @Override
  public void pause() {}

  @Override
  public void settlePageRequests(long timeoutNanos) {}

  @Override
  public void startDirtyLog() {}

  @Override
  public void stopDirtyLog() {}

  @Override
  public void reportDirty(DirtyBitmap into) {}

  @Override
  public ByteBuffer savePlatform() {
    return ByteBuffer.allocate(0);
  }

  @Override
  public void loadPlatform(ByteBuffer state) {}

  @Override
  public void close() {}
}
