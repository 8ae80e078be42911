package io.vferry.bench;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A device that does nothing, as fast as can be: what is measured is what is around it. It gives
 * whatever is in the buffer that it is to fill, and looks at nothing that it takes.
 */
final class BlankDevice implements HostDevice, MigratableDevice {

  private final long stateBytes;
  private final ByteBuffer memory = ByteBuffer.allocateDirect(4096);
  private DeviceState state = DeviceState.RUNNING;
  private long loadedBytes;

  BlankDevice(long stateBytes) {
    this.stateBytes = stateBytes;
  }

  long loadedBytes() {
    return loadedBytes;
  }

  @Override
  public HostDeviceInfo info() {
    return new HostDeviceInfo(
        new DeviceAddress("bench", "blank", Map.of()), "pci", 1, 1, 0, 0, false, Map.of());
  }

  @Override
  public List<RegionInfo> regions() {
    return List.of(
        new RegionInfo(0, memory.capacity(), true, true, false),
        new RegionInfo(RegionInfo.PCI_CONFIG, 256, true, true, false));
  }

  @Override
  public Region region(int index) {
    return new Region() {
      @Override
      public RegionInfo info() {
        return regions().get(index == 0 ? 0 : 1);
      }

      @Override
      public void read(long offset, ByteBuffer into) {
        into.put(memory.slice((int) offset, into.remaining()));
      }

      @Override
      public void write(long offset, ByteBuffer from) {
        memory.slice((int) offset, from.remaining()).put(from);
      }

      @Override
      public Optional<ByteBuffer> map(long offset, int lengthBytes) {
        return Optional.empty();
      }
    };
  }

  @Override
  public Interrupts interrupts() {
    return Interrupts.none();
  }

  @Override
  public DmaSpace dma() {
    return DmaSpace.unused();
  }

  @Override
  public Optional<HostDevice> companion(String role) {
    return Optional.empty();
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    return Optional.empty();
  }

  @Override
  public FeatureSet features() {
    return FeatureSet.STOP_COPY;
  }

  @Override
  public DeviceState state() {
    return state;
  }

  @Override
  public ArcOutcome perform(Arc arc) {
    state = arc.to();
    if (arc.opensSaveStream()) {
      return new ArcOutcome.Saving(new Save());
    }
    if (arc.opensLoadStream()) {
      loadedBytes = 0;
      return new ArcOutcome.Loading(new Load());
    }
    return ArcOutcome.done();
  }

  private final class Save implements SaveStream {
    private long left = stateBytes;

    @Override
    public Status read(ByteBuffer into) {
      if (left == 0) {
        return Status.END;
      }
      int count = (int) Math.min(left, into.remaining());
      into.position(into.position() + count);
      left -= count;
      return Status.DATA;
    }

    @Override
    public void close() {}
  }

  private final class Load implements LoadStream {
    @Override
    public void write(ByteBuffer from) {
      loadedBytes += from.remaining();
      from.position(from.limit());
    }

    @Override
    public void close() {}
  }

  @Override
  public void reset() {
    state = DeviceState.RUNNING;
  }

  @Override
  public void close() {}
}
