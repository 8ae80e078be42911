package io.vferry.tck;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;

/** A device of the right name that has no region, no interrupt and no ability. */
record BareHost(HostDeviceInfo info) implements HostDevice, DmaSpace {

  @Override
  public List<RegionInfo> regions() {
    return List.of();
  }

  @Override
  public Region region(int index) throws MigrationException {
    throw absent("region " + index);
  }

  @Override
  public Interrupts interrupts() {
    return new NoInterrupts();
  }

  @Override
  public DmaSpace dma() {
    return this;
  }

  @Override
  public void reset() throws MigrationException {
    throw new MigrationException(DeviceError.RESET_FAILED, "this device cannot be reset");
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
  public void close() {}

  @Override
  public List<MemoryRange> usableRanges() {
    return List.of();
  }

  @Override
  public long pageSizeBytes() {
    return 4096;
  }

  @Override
  public void map(long iova, ByteBuffer memory, Direction direction) throws MigrationException {
    throw absent("memory");
  }

  @Override
  public void mapPeer(long iova, Region peer, MemoryRange part) throws MigrationException {
    throw absent("memory");
  }

  @Override
  public void unmap(MemoryRange iovaRange) throws MigrationException {
    throw absent("memory");
  }

  private static MigrationException absent(String what) {
    return new MigrationException(DeviceError.BAD_REQUEST, "this device has no " + what);
  }

  /** No interrupts at all. */
  private record NoInterrupts() implements Interrupts {

    @Override
    public List<Info> info() {
      return List.of();
    }

    @Override
    public void enable(int index, int vectors, Listener listener) throws MigrationException {
      throw absent("interrupt");
    }

    @Override
    public void disable(int index) throws MigrationException {
      throw absent("interrupt");
    }

    @Override
    public void mask(int index, int vector) throws MigrationException {
      throw absent("interrupt");
    }

    @Override
    public void unmask(int index, int vector) throws MigrationException {
      throw absent("interrupt");
    }

    @Override
    public void trigger(int index, int vector) throws MigrationException {
      throw absent("interrupt");
    }
  }
}
