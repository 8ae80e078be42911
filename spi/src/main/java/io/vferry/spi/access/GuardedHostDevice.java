package io.vferry.spi.access;

import io.vferry.spi.driver.GuestRegions;
import io.vferry.spi.error.DeviceError;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A device as the guest gets it: the same device behind an {@link AccessGuard}.
 *
 * <p>What belongs to the runtime alone is not handed out: companions, {@link HostMigration} and
 * {@link DmaLog}. Closing this does nothing, the device stays the runtime's. A mapping that was
 * handed out cannot be taken back; whoever pauses the vCPUs keeps the guest from using it. A reset
 * by the guest is legal in each state, as on hardware: it takes the device to RUNNING and ends a
 * session under way, which the runtime notices at its next step.
 *
 * <p>Where the driver keeps a part of a region for itself, the guest's region ends before it. Like
 * any other region it refuses an access that is not wholly inside. It can be mapped only if it ends
 * on a page boundary of the host, since a page cannot be given in part; the guest's accesses are
 * then passed on one by one, in their own width.
 */
public final class GuardedHostDevice implements HostDevice {

  private final HostDevice device;
  private final AccessGuard guard;
  private final Map<Integer, Long> limitsBytes;
  private final Interrupts interrupts;
  private final DmaSpace dma;

  /** Puts a guard before a device of which the guest gets all regions. */
  public GuardedHostDevice(HostDevice device, AccessGuard guard) {
    this(device, guard, Map::of);
  }

  /**
   * Puts a guard before a device of which the guest gets a part.
   *
   * @param limits as the driver says
   */
  public GuardedHostDevice(HostDevice device, AccessGuard guard, GuestRegions limits) {
    this.device = device;
    this.guard = guard;
    this.limitsBytes = Map.copyOf(limits.limitsBytes());
    this.interrupts = new GuardedInterrupts(device.interrupts());
    this.dma = new GuardedDmaSpace(device.dma());
  }

  @Override
  public HostDeviceInfo info() {
    return device.info();
  }

  @Override
  public List<RegionInfo> regions() {
    List<RegionInfo> visible = new ArrayList<>();
    for (RegionInfo whole : device.regions()) {
      part(whole).ifPresent(visible::add);
    }
    return List.copyOf(visible);
  }

  private Optional<RegionInfo> part(RegionInfo whole) {
    long size = Math.max(0, limitsBytes.getOrDefault(whole.index(), whole.sizeBytes()));
    if (size >= whole.sizeBytes()) {
      return Optional.of(whole);
    }
    if (size == 0) {
      return Optional.empty();
    }
    return Optional.of(
        new RegionInfo(
            whole.index(),
            size,
            whole.readable(),
            whole.writable(),
            whole.mappable() && size % device.dma().pageSizeBytes() == 0));
  }

  @Override
  public Region region(int index) throws MigrationException {
    Region region = device.region(index);
    return new GuardedRegion(
        region,
        part(region.info())
            .orElseThrow(
                () ->
                    new MigrationException(
                        DeviceError.BAD_REQUEST, "region " + index + " is not for the guest")));
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
    private final RegionInfo info;
    private final boolean config;

    GuardedRegion(Region region, RegionInfo info) {
      this.region = region;
      this.info = info;
      this.config = info.index() == RegionInfo.PCI_CONFIG;
    }

    @Override
    public RegionInfo info() {
      return info;
    }

    private void requireInside(long offset, int lengthBytes) throws MigrationException {
      if (offset < 0 || offset > info.sizeBytes() || lengthBytes > info.sizeBytes() - offset) {
        throw new MigrationException(
            DeviceError.BAD_REQUEST,
            "an access of %d bytes at 0x%x is not wholly inside the 0x%x bytes that the guest has of region %d"
                .formatted(lengthBytes, offset, info.sizeBytes(), info.index()));
      }
    }

    @Override
    public void read(long offset, ByteBuffer into) throws MigrationException {
      guard.check(config ? Access.CONFIG_READ : Access.REGION_READ);
      requireInside(offset, into.remaining());
      region.read(offset, into);
    }

    @Override
    public void write(long offset, ByteBuffer from) throws MigrationException {
      guard.check(config ? Access.CONFIG_WRITE : Access.REGION_WRITE);
      requireInside(offset, from.remaining());
      region.write(offset, from);
    }

    @Override
    public List<MemoryRange> mappableParts() {
      return !info.mappable()
          ? List.of()
          : region.mappableParts().stream()
              .filter(part -> part.start() + part.length() <= info.sizeBytes())
              .toList();
    }

    @Override
    public Optional<ByteBuffer> map(long offset, int lengthBytes) throws MigrationException {
      guard.check(Access.REGION_MAP);
      requireInside(offset, Math.max(0, lengthBytes));
      if (!info.mappable()) {
        return Optional.empty();
      }
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

    @Override
    public void settle() throws MigrationException {
      inner.settle();
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
