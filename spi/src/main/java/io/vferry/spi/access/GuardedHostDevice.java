package io.vferry.spi.access;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;

/**
 * A device as the guest gets it: the same device behind an {@link AccessGuard}.
 *
 * <p>What belongs to the runtime alone is not handed out: companions, {@link HostMigration} and
 * {@link DmaLog}. Closing this does nothing, the device stays the runtime's. A mapping that was
 * handed out cannot be taken back; whoever pauses the vCPUs keeps the guest from using it. A reset
 * by the guest is legal in each state, as on hardware: it takes the device to RUNNING and ends a
 * session under way, which the runtime notices at its next step.
 */
public final class GuardedHostDevice implements HostDevice {

  private final HostDevice device;
  private final AccessGuard guard;
  private final Interrupts interrupts;
  private final DmaSpace dma;

  /** Puts a guard before a device. */
  public GuardedHostDevice(HostDevice device, AccessGuard guard) {
    this.device = device;
    this.guard = guard;
    this.interrupts = new GuardedInterrupts(device.interrupts());
    this.dma = new GuardedDmaSpace(device.dma());
  }

  @Override
  public HostDeviceInfo info() {
    return device.info();
  }

  @Override
  public List<RegionInfo> regions() {
    return device.regions();
  }

  @Override
  public Region region(int index) throws MigrationException {
    return new GuardedRegion(device.region(index));
  }

  @Override
  public Interrupts interrupts() {
    return interrupts;
  }

  @Override
  public DmaSpace dma() {
    return dma;
  }

  @Override
  public void reset() throws MigrationException {
    guard.check(Access.RESET);
    device.reset();
    guard.at(DeviceState.RUNNING);
  }

  @Override
  public Optional<HostDevice> companion(String role) {
    return Optional.empty();
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    return type == HostMigration.class || type == DmaLog.class
        ? Optional.empty()
        : device.capability(type);
  }

  @Override
  public void close() {}

  private final class GuardedRegion implements Region {

    private final Region region;
    private final boolean config;

    GuardedRegion(Region region) {
      this.region = region;
      this.config = region.info().index() == RegionInfo.PCI_CONFIG;
    }

    @Override
    public RegionInfo info() {
      return region.info();
    }

    @Override
    public void read(long offset, ByteBuffer into) throws MigrationException {
      guard.check(config ? Access.CONFIG_READ : Access.REGION_READ);
      region.read(offset, into);
    }

    @Override
    public void write(long offset, ByteBuffer from) throws MigrationException {
      guard.check(config ? Access.CONFIG_WRITE : Access.REGION_WRITE);
      region.write(offset, from);
    }

    @Override
    public Optional<ByteBuffer> map(long offset, int lengthBytes) throws MigrationException {
      guard.check(Access.REGION_MAP);
      return region.map(offset, lengthBytes);
    }
  }

  private final class GuardedInterrupts implements Interrupts {

    private final Interrupts inner;

    GuardedInterrupts(Interrupts inner) {
      this.inner = inner;
    }

    @Override
    public List<Info> info() {
      return inner.info();
    }

    @Override
    public void enable(int index, int vectors, Listener listener) throws MigrationException {
      guard.check(Access.SET_IRQS);
      inner.enable(index, vectors, listener);
    }

    @Override
    public void disable(int index) throws MigrationException {
      guard.check(Access.SET_IRQS);
      inner.disable(index);
    }

    @Override
    public void mask(int index, int vector) throws MigrationException {
      guard.check(Access.SET_IRQS);
      inner.mask(index, vector);
    }

    @Override
    public void unmask(int index, int vector) throws MigrationException {
      guard.check(Access.SET_IRQS);
      inner.unmask(index, vector);
    }

    @Override
    public void trigger(int index, int vector) throws MigrationException {
      guard.check(Access.SET_IRQS);
      inner.trigger(index, vector);
    }
  }

  private final class GuardedDmaSpace implements DmaSpace {

    private final DmaSpace inner;

    GuardedDmaSpace(DmaSpace inner) {
      this.inner = inner;
    }

    @Override
    public List<MemoryRange> usableRanges() {
      return inner.usableRanges();
    }

    @Override
    public long pageSizeBytes() {
      return inner.pageSizeBytes();
    }

    @Override
    public void map(long iova, ByteBuffer memory, Direction direction) throws MigrationException {
      guard.check(Access.DMA_MAP);
      inner.map(iova, memory, direction);
    }

    @Override
    public void mapPeer(long iova, Region peer, MemoryRange part) throws MigrationException {
      guard.check(Access.DMA_MAP);
      // A backend knows its own regions only.
      inner.mapPeer(iova, peer instanceof GuardedRegion guarded ? guarded.region : peer, part);
    }

    @Override
    public void unmap(MemoryRange iovaRange) throws MigrationException {
      guard.check(Access.DMA_MAP);
      inner.unmap(iovaRange);
    }
  }
}
