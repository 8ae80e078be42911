package io.vferry.host.linux;

import io.vferry.host.linux.AddressSpaces.Placed;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.syscall.Scratch;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.host.ResetCount;
import io.vferry.spi.host.SharedParts;
import io.vferry.spi.memory.DmaLog;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/** An open device of the kernel. */
final class VfioDevice implements HostDevice {

  /** More regions or interrupt kinds than any device has; a figure beyond is not believed. */
  private static final int LARGEST_COUNT = 1024;

  private final HostDeviceInfo info;
  private final String name;
  private final AddressSpaces spaces;
  private final Placed placed;
  private final Map<Integer, VfioRegion> regions;
  private final VfioInterrupts interrupts;
  private final VfioDmaSpace dma;
  private final Optional<KernelMigration> migration;
  private final Optional<DeviceDmaLog> dmaLog;
  private final Companions companions;
  private final HostClock clock;
  private final SharedParts shared = new SharedParts();
  private final AtomicLong resets = new AtomicLong();
  private final Map<Integer, Region> shown;
  private final AtomicBoolean closed = new AtomicBoolean();

  private VfioDevice(
      HostDeviceInfo info,
      String name,
      AddressSpaces spaces,
      Placed placed,
      Map<Integer, VfioRegion> regions,
      VfioInterrupts interrupts,
      VfioDmaSpace dma,
      Optional<KernelMigration> migration,
      Optional<DeviceDmaLog> dmaLog,
      Companions companions,
      HostClock clock) {
    this.info = info;
    this.name = name;
    this.spaces = spaces;
    this.placed = placed;
    this.regions = regions;
    this.interrupts = interrupts;
    this.dma = dma;
    this.migration = migration;
    this.dmaLog = dmaLog;
    this.companions = companions;
    this.clock = clock;
    this.shown = FunctionLevelResets.watch(regions, resets::incrementAndGet);
  }

  /**
   * Finds out what a device has that was just opened; {@code placed} stays the caller's on failure.
   */
  static VfioDevice of(
      Description description,
      AddressSpaces spaces,
      Placed placed,
      Companions companions,
      HostClock clock)
      throws MigrationException {
    String name = description.device().name();
    DeviceFd fd = placed.fd();
    try {
      DeviceFd.Info counts = fd.info();
      Map<Integer, VfioRegion> regions = new TreeMap<>();
      Scratch scratch = new Scratch();
      for (int index = 0; index < Math.min(counts.regionCount(), LARGEST_COUNT); index++) {
        DeviceFd.RegionLayout layout = region(fd, index);
        if (layout.sizeBytes() > 0) {
          regions.put(index, new VfioRegion(name, fd, layout, scratch));
        }
      }
      Map<Integer, IrqControl.IrqLayout> kinds = new TreeMap<>();
      for (int index = 0; index < Math.min(counts.irqCount(), LARGEST_COUNT); index++) {
        irq(fd, index).ifPresent(kind -> kinds.put(kind.index(), kind));
      }
      Optional<KernelMigration> migration = KernelMigration.of(name, fd);
      return new VfioDevice(
          description.info(migration.isPresent(), placed.space().mapper().path()),
          name,
          spaces,
          placed,
          regions,
          new VfioInterrupts(name, fd, kinds),
          new VfioDmaSpace(placed.space(), placed.space().mapper().space()),
          migration,
          DeviceDmaLog.of(name, fd),
          companions,
          clock);
    } catch (KernelError e) {
      throw e.as(DeviceError.OPEN_FAILED, "device %s does not say what it has".formatted(name));
    }
  }

  /** A region that the device counts but refuses to describe does not exist. */
  private static DeviceFd.RegionLayout region(DeviceFd fd, int index) throws KernelError {
    try {
      return fd.region(index);
    } catch (KernelError e) {
      if (e.errno() == Errno.EINVAL) {
        return new DeviceFd.RegionLayout(index, 0, 0, false, false, List.of());
      }
      throw e;
    }
  }

  /** As {@link #region}; a kind without vectors is no kind. */
  private static Optional<IrqControl.IrqLayout> irq(DeviceFd fd, int index) throws KernelError {
    try {
      return Optional.of(fd.irq(index)).filter(kind -> kind.count() > 0);
    } catch (KernelError e) {
      if (e.errno() == Errno.EINVAL) {
        return Optional.empty();
      }
      throw e;
    }
  }

  @Override
  public HostDeviceInfo info() {
    return info;
  }

  @Override
  public List<RegionInfo> regions() {
    List<RegionInfo> infos = new ArrayList<>();
    regions.values().forEach(region -> infos.add(region.info()));
    return infos;
  }

  @Override
  public Region region(int index) throws MigrationException {
    Region region = shown.get(index);
    if (region == null) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST, "device %s has no region %d".formatted(name, index));
    }
    return region;
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
    try {
      placed.fd().reset();
      resets.incrementAndGet();
    } catch (KernelError e) {
      throw e.as(
          DeviceError.RESET_FAILED,
          e.errno() == Errno.EINVAL || e.errno() == Errno.ENOTTY
              ? "device %s has no reset that the kernel knows".formatted(name)
              : "device %s could not be reset".formatted(name));
    }
  }

  @Override
  public Optional<HostDevice> companion(String role) {
    return companions.in(role);
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    if (type == HostMigration.class) {
      return migration.map(type::cast);
    }
    if (type == DmaLog.class) {
      return dmaLog.map(type::cast);
    }
    if (type == HostClock.class) {
      return Optional.of(type.cast(clock));
    }
    if (type == SharedParts.class) {
      return Optional.of(type.cast(shared));
    }
    if (type == ResetCount.class) {
      return Optional.of(type.cast((ResetCount) resets::get));
    }
    return Optional.empty();
  }

  @Override
  public void close() throws MigrationException {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    MigrationException failure = null;
    interrupts.close();
    migration.ifPresent(KernelMigration::close);
    // Device memory first: an IOMMU must not keep a way to memory that is mapped elsewhere next.
    try {
      dma.unmapAll();
    } catch (MigrationException e) {
      failure = e;
    }
    regions.values().forEach(VfioRegion::close);
    placed.fd().close();
    spaces.release(placed);
    try {
      companions.close();
    } catch (MigrationException e) {
      if (failure == null) {
        failure = e;
      } else {
        failure.addSuppressed(e);
      }
    }
    if (failure != null) {
      throw new MigrationException(
          DeviceError.IO_FAILED, "device %s was not closed cleanly".formatted(name), failure);
    }
  }
}
