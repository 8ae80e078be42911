package io.vferry.spi.access;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A device that remembers what reached it. */
final class RecordingDevice implements HostDevice {

  final List<String> calls = new ArrayList<>();

  @Override
  public HostDeviceInfo info() {
    return new HostDeviceInfo(DeviceAddress.parse("test:x"), "test", 0, 0, 0, 0, false, Map.of());
  }

  @Override
  public List<RegionInfo> regions() {
    return List.of(new RegionInfo(0, 4096, true, true, true));
  }

  @Override
  public Region region(int index) {
    return new RecordingRegion(index);
  }

  @Override
  public Interrupts interrupts() {
    return new RecordingInterrupts();
  }

  @Override
  public DmaSpace dma() {
    return new RecordingDma();
  }

  @Override
  public void reset() {
    calls.add("reset");
  }

  @Override
  public Optional<HostDevice> companion(String role) {
    return Optional.of(this);
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    if (type == String.class) {
      return Optional.of(type.cast("ability"));
    }
    throw new AssertionError("the guest got at " + type);
  }

  @Override
  public void close() {
    calls.add("close");
  }

  final class RecordingRegion implements Region {

    private final int index;

    RecordingRegion(int index) {
      this.index = index;
    }

    @Override
    public RegionInfo info() {
      return new RegionInfo(index, 4096, true, true, true);
    }

    @Override
    public void read(long offset, ByteBuffer into) {
      calls.add("read " + index);
    }

    @Override
    public void write(long offset, ByteBuffer from) {
      calls.add("write " + index);
    }

    @Override
    public Optional<ByteBuffer> map(long offset, int lengthBytes) {
      calls.add("map " + index);
      return Optional.empty();
    }
  }

  private final class RecordingInterrupts implements Interrupts {

    @Override
    public List<Info> info() {
      return List.of();
    }

    @Override
    public void enable(int index, int vectors, Listener listener) {
      calls.add("enable");
    }

    @Override
    public void disable(int index) {
      calls.add("disable");
    }

    @Override
    public void mask(int index, int vector) {
      calls.add("mask");
    }

    @Override
    public void unmask(int index, int vector) {
      calls.add("unmask");
    }

    @Override
    public void trigger(int index, int vector) {
      calls.add("trigger");
    }
  }

  private final class RecordingDma implements DmaSpace {

    @Override
    public List<MemoryRange> usableRanges() {
      return List.of();
    }

    @Override
    public long pageSizeBytes() {
      return 4096;
    }

    @Override
    public void map(long iova, ByteBuffer memory, Direction direction) {
      calls.add("dma map");
    }

    @Override
    public void mapPeer(long iova, Region peer, MemoryRange part) throws MigrationException {
      calls.add("dma map peer " + peer.getClass().getSimpleName());
    }

    @Override
    public void unmap(MemoryRange iovaRange) {
      calls.add("dma unmap");
    }
  }
}
