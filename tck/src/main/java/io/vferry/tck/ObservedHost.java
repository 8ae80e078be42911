package io.vferry.tck;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.MigrationData;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** A host device with somebody who watches what is done with it. */
final class ObservedHost implements HostDevice {

  private static final String DATA = "migration data that were not closed";
  private static final String MAPPING = "DMA mappings";
  private static final String IRQ = "kinds of interrupts turned on";
  private static final String LOG = "DMA logs that were not stopped";

  private final HostDevice device;
  private final HostWatch watch;

  ObservedHost(HostDevice device, HostWatch watch) {
    this.device = device;
    this.watch = watch;
  }

  /** Reaches for the device itself, which may be gone. */
  private void reach(String what) throws MigrationException {
    watch.touch(what);
    if (watch.loss() != HostWatch.Loss.NONE) {
      throw gone(what);
    }
  }

  private static MigrationException gone(String what) {
    return new MigrationException(DeviceError.DEVICE_LOST, "the kit took the device away: " + what);
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
    watch.touch("open region " + index);
    return new ObservedRegion(device.region(index));
  }

  @Override
  public Interrupts interrupts() {
    return new ObservedInterrupts(device.interrupts());
  }

  @Override
  public DmaSpace dma() {
    return new ObservedDma(device.dma());
  }

  @Override
  public void reset() throws MigrationException {
    reach("reset the host device");
    device.reset();
  }

  @Override
  public Optional<HostDevice> companion(String role) {
    return device.companion(role).map(other -> new ObservedHost(other, watch));
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    if (type == HostMigration.class) {
      return device
          .capability(HostMigration.class)
          .map(migration -> type.cast(new ObservedMigration(migration)));
    }
    if (type == DmaLog.class) {
      return device.capability(DmaLog.class).map(log -> type.cast(new ObservedLog(log)));
    }
    return device.capability(type);
  }

  @Override
  public void close() throws MigrationException {
    watch.close(device);
  }

  private final class ObservedRegion implements Region {

    private final Region region;

    ObservedRegion(Region region) {
      this.region = region;
    }

    @Override
    public RegionInfo info() {
      return region.info();
    }

    @Override
    public void read(long offset, ByteBuffer into) throws MigrationException {
      if (silent("read %d bytes at 0x%x of region %d", into, offset)) {
        while (into.hasRemaining()) {
          into.put((byte) 0xff);
        }
        return;
      }
      region.read(offset, into);
    }

    @Override
    public void write(long offset, ByteBuffer from) throws MigrationException {
      if (silent("write %d bytes at 0x%x of region %d", from, offset)) {
        from.position(from.limit());
        return;
      }
      region.write(offset, from);
    }

    @Override
    public List<MemoryRange> mappableParts() {
      return region.mappableParts();
    }

    @Override
    public Optional<ByteBuffer> map(long offset, int lengthBytes) throws MigrationException {
      watch.touch("map region " + index());
      return region.map(offset, lengthBytes);
    }

    /** Reaches for the region; returns whether nobody answers. */
    private boolean silent(String what, ByteBuffer buffer, long offset) throws MigrationException {
      String text = what.formatted(buffer.remaining(), offset, index());
      watch.touch(text);
      if (watch.loss() == HostWatch.Loss.TOLD) {
        throw gone(text);
      }
      return watch.loss() == HostWatch.Loss.SILENT;
    }

    private int index() {
      return region.info().index();
    }
  }

  private final class ObservedInterrupts implements Interrupts {

    private final Interrupts interrupts;

    ObservedInterrupts(Interrupts interrupts) {
      this.interrupts = interrupts;
    }

    @Override
    public List<Info> info() {
      return interrupts.info();
    }

    @Override
    public void enable(int index, int vectors, Listener listener) throws MigrationException {
      watch.touch("turn interrupts on");
      interrupts.enable(
          index,
          vectors,
          vector -> {
            watch.signalled();
            listener.signalled(vector);
          });
      watch.took(IRQ);
    }

    @Override
    public void disable(int index) throws MigrationException {
      watch.touch("turn interrupts off");
      interrupts.disable(index);
      watch.gaveBack(IRQ);
    }

    @Override
    public void mask(int index, int vector) throws MigrationException {
      watch.touch("mask an interrupt");
      interrupts.mask(index, vector);
    }

    @Override
    public void unmask(int index, int vector) throws MigrationException {
      watch.touch("unmask an interrupt");
      interrupts.unmask(index, vector);
    }

    @Override
    public void trigger(int index, int vector) throws MigrationException {
      watch.touch("trigger an interrupt");
      interrupts.trigger(index, vector);
    }

    @Override
    public void settle() throws MigrationException {
      interrupts.settle();
    }
  }

  private final class ObservedDma implements DmaSpace {

    private final DmaSpace dma;

    ObservedDma(DmaSpace dma) {
      this.dma = dma;
    }

    @Override
    public List<MemoryRange> usableRanges() {
      return dma.usableRanges();
    }

    @Override
    public long pageSizeBytes() {
      return dma.pageSizeBytes();
    }

    @Override
    public void map(long iova, ByteBuffer memory, Direction direction) throws MigrationException {
      watch.touch("map memory for DMA");
      dma.map(iova, memory, direction);
      watch.took(MAPPING);
    }

    @Override
    public void mapPeer(long iova, Region peer, MemoryRange part) throws MigrationException {
      watch.touch("map a peer for DMA");
      dma.mapPeer(iova, peer, part);
      watch.took(MAPPING);
    }

    @Override
    public void unmap(MemoryRange iovaRange) throws MigrationException {
      watch.touch("unmap memory");
      dma.unmap(iovaRange);
      watch.gaveBack(MAPPING);
    }
  }

  private final class ObservedMigration implements HostMigration {

    private final HostMigration migration;

    ObservedMigration(HostMigration migration) {
      this.migration = migration;
    }

    @Override
    public FeatureSet features() {
      return migration.features();
    }

    @Override
    public DeviceState state() throws MigrationException {
      reach("ask the host for the state");
      return migration.state();
    }

    @Override
    public Optional<MigrationData> setState(DeviceState target) throws MigrationException {
      reach("ask the host to go to " + target);
      return migration.setState(target).map(ObservedData::new);
    }

    @Override
    public OptionalLong stopCopyBytes() throws MigrationException {
      reach("ask the host for the size");
      return migration.stopCopyBytes();
    }
  }

  private final class ObservedData implements MigrationData {

    private final MigrationData data;
    private boolean closed;

    ObservedData(MigrationData data) {
      this.data = data;
      watch.took(DATA);
    }

    @Override
    public int read(ByteBuffer into) throws MigrationException {
      reach("read migration data");
      checkOpen();
      return data.read(into);
    }

    @Override
    public int write(ByteBuffer from) throws MigrationException {
      reach("write migration data");
      checkOpen();
      return data.write(from);
    }

    private synchronized void checkOpen() throws MigrationException {
      if (closed) {
        throw new MigrationException(DeviceError.SESSION_CLOSED, "the migration data were closed");
      }
    }

    @Override
    public Precopy precopy() throws MigrationException {
      reach("ask the host for the pre-copy progress");
      return data.precopy();
    }

    @Override
    public void close() {
      synchronized (this) {
        if (!closed) {
          closed = true;
          watch.gaveBack(DATA);
        }
      }
      // Closing ends a call that waits, as the host's own data do.
      watch.dataClosed();
      data.close();
    }
  }

  private final class ObservedLog implements DmaLog {

    private final DmaLog log;

    ObservedLog(DmaLog log) {
      this.log = log;
    }

    @Override
    public long start(List<MemoryRange> iovaRanges, long pageSizeBytes) throws MigrationException {
      reach("start the DMA log");
      long size = log.start(iovaRanges, pageSizeBytes);
      watch.took(LOG);
      return size;
    }

    @Override
    public void stop() throws MigrationException {
      watch.touch("stop the DMA log");
      watch.gaveBackAll(LOG);
      log.stop();
    }

    @Override
    public void report(DirtyBitmap into) throws MigrationException {
      reach("report the DMA log");
      log.report(into);
    }
  }
}
