package io.vferry.host.linux.user.server;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A device so simple that a person can write down each byte it sends: BAR 0 is 4 KiB of memory, of
 * which the first four bytes travel in pre-copy and the next four in stop-copy. It notes what is
 * done to it.
 */
final class ScriptedDevice implements HostDevice, MigratableDevice, PrecopyProgress, DmaLog {

  static final int BAR_BYTES = 4096;
  static final int VECTORS = 4;

  final List<String> notes = new ArrayList<>();
  final byte[] bar = new byte[BAR_BYTES];
  final byte[] config = new byte[256];
  final TreeMap<Long, Object> mapped = new TreeMap<>();
  final List<MemoryRange> written = new ArrayList<>();
  Interrupts.Listener listener = vector -> notes.add("interrupt to nobody");
  DeviceState state = DeviceState.RUNNING;
  FeatureSet features = FeatureSet.STOP_COPY_PRE_COPY;
  Optional<Arc> failing = Optional.empty();
  boolean throwing;
  int enabledVectors;
  private boolean logs;
  private boolean initialRead;
  private final ByteBuffer loaded = ByteBuffer.allocate(8);

  private void note(String text) {
    notes.add(text);
  }

  private static MigrationException bad(String text) {
    return new MigrationException(DeviceError.BAD_REQUEST, text);
  }

  @Override
  public HostDeviceInfo info() {
    return new HostDeviceInfo(
        new DeviceAddress("test", "scripted", Map.of()), "pci", 1, 2, 3, 4, false, Map.of());
  }

  @Override
  public List<RegionInfo> regions() {
    return List.of(
        new RegionInfo(0, BAR_BYTES, true, true, false),
        new RegionInfo(RegionInfo.PCI_CONFIG, config.length, true, true, false));
  }

  @Override
  public Region region(int index) throws MigrationException {
    byte[] memory = index == 0 ? bar : config;
    return new Region() {
      @Override
      public RegionInfo info() {
        return new RegionInfo(index, memory.length, true, true, false);
      }

      @Override
      public void read(long offset, ByteBuffer into) {
        if (throwing) {
          throw new IllegalStateException("as a broken driver does");
        }
        into.put(memory, (int) offset, into.remaining());
      }

      @Override
      public void write(long offset, ByteBuffer from) {
        from.get(memory, (int) offset, from.remaining());
      }

      @Override
      public Optional<ByteBuffer> map(long offset, int lengthBytes) {
        return Optional.empty();
      }
    };
  }

  @Override
  public Interrupts interrupts() {
    return new Interrupts() {
      @Override
      public List<Info> info() {
        return List.of(new Info(INTX, 1, true, true), new Info(MSIX, VECTORS, false, false));
      }

      @Override
      public void enable(int index, int vectors, Listener told) {
        note("enable " + index + ":" + vectors);
        listener = told;
        enabledVectors = vectors;
      }

      @Override
      public void disable(int index) {
        note("disable " + index);
        enabledVectors = 0;
        listener = vector -> notes.add("interrupt to nobody");
      }

      @Override
      public void mask(int index, int vector) {
        note("mask " + index + ":" + vector);
      }

      @Override
      public void unmask(int index, int vector) {
        note("unmask " + index + ":" + vector);
      }

      @Override
      public void trigger(int index, int vector) throws MigrationException {
        if (vector >= enabledVectors) {
          throw bad("vector " + vector + " is off");
        }
        listener.signalled(vector);
      }
    };
  }

  @Override
  public DmaSpace dma() {
    return new DmaSpace() {
      @Override
      public List<MemoryRange> usableRanges() {
        return List.of(new MemoryRange(0, 1L << 48));
      }

      @Override
      public long pageSizeBytes() {
        return 4096;
      }

      @Override
      public void map(long iova, ByteBuffer memory, Direction direction) {
        mapped.put(iova, memory);
      }

      @Override
      public void mapPeer(long iova, Region peer, MemoryRange part) {
        mapped.put(iova, peer);
      }

      @Override
      public void unmap(MemoryRange range) {
        mapped.subMap(range.start(), true, range.last(), true).clear();
      }
    };
  }

  @Override
  public Optional<HostDevice> companion(String role) {
    return Optional.empty();
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    return type == PrecopyProgress.class || type == DmaLog.class
        ? Optional.of(type.cast(this))
        : Optional.empty();
  }

  @Override
  public FeatureSet features() {
    return features;
  }

  @Override
  public DeviceState state() {
    return state;
  }

  @Override
  public ArcOutcome perform(Arc arc) throws MigrationException {
    note(arc.toString());
    if (arc.from() != state) {
      throw new MigrationException(DeviceError.WRONG_STATE, "the device is in " + state);
    }
    if (failing.isPresent() && failing.get() == arc) {
      throw new MigrationException(DeviceError.ARC_FAILED, "as a test wants it");
    }
    if (state == DeviceState.RESUMING) {
      if (loaded.hasRemaining()) {
        throw new MigrationException(DeviceError.DATA_CORRUPT, "the data are not whole");
      }
      loaded.flip().get(bar, 0, 8);
    }
    state = arc.to();
    if (arc.opensSaveStream()) {
      initialRead = false;
      return new ArcOutcome.Saving(new Save());
    }
    if (arc.opensLoadStream()) {
      loaded.clear();
      return new ArcOutcome.Loading(new Load());
    }
    return ArcOutcome.done();
  }

  private final class Save implements SaveStream {
    private int at;

    @Override
    public Status read(ByteBuffer into) {
      int end = state == DeviceState.STOP_COPY ? 8 : 4;
      if (at == end) {
        return end == 8 ? Status.END : Status.NOTHING_NOW;
      }
      int count = Math.min(into.remaining(), end - at);
      into.put(bar, at, count);
      at += count;
      initialRead |= at >= 4;
      return Status.DATA;
    }

    @Override
    public void close() {
      note("save stream closed");
    }
  }

  private final class Load implements LoadStream {
    @Override
    public void write(ByteBuffer from) throws MigrationException {
      if (from.remaining() > loaded.remaining()) {
        throw new MigrationException(DeviceError.DATA_TOO_LONG, "more than eight bytes came");
      }
      loaded.put(from);
    }

    @Override
    public void close() {
      note("load stream closed");
    }
  }

  @Override
  public Remaining remaining() {
    note("asked what is left");
    return new Remaining(initialRead ? 0 : 4, 0, false);
  }

  @Override
  public long start(List<MemoryRange> iovaRanges, long pageSizeBytes) {
    note("log " + iovaRanges);
    logs = true;
    return pageSizeBytes;
  }

  @Override
  public void stop() {
    note("log off");
    logs = false;
  }

  @Override
  public void report(DirtyBitmap into) throws MigrationException {
    if (!logs) {
      throw new MigrationException(DeviceError.DMA_LOG_FAILED, "the log is off");
    }
    written.forEach(into::mark);
    written.clear();
  }

  @Override
  public void reset() {
    note("reset");
    state = DeviceState.RUNNING;
  }

  @Override
  public void close() {}
}
