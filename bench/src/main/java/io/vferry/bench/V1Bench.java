package io.vferry.bench;

import io.vferry.compat.v1.V1AdapterSettings;
import io.vferry.compat.v1.V1Device;
import io.vferry.compat.v1.V1DeviceAdapter;
import io.vferry.compat.v1.V1Loading;
import io.vferry.compat.v1.V1MigrationRegion;
import io.vferry.compat.v1.V1RegionDevice;
import io.vferry.compat.v1.V1RegionSettings;
import io.vferry.compat.v1.V1Stopping;
import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;
import io.vferry.vendor.sim.SimClock;
import io.vferry.vendor.sim.SimDeviceModel;
import io.vferry.vendor.sim.SimMigrationDriver;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * What v1 costs: the state of one simulated device into another, by the plain v2 streams and by
 * each way through v1, in turn in one run, in pieces of 1 MiB.
 *
 * <p>Each side has a buffer of its own, and one copy between the two stands for the wire. What a
 * way needs beyond that by its nature is measured by itself: a trapped window is one more copy on
 * each side, because the client's buffer comes after the chunk; data that do not prove themselves
 * are summed on each side.
 */
final class V1Bench {

  private static final long STATE_BYTES = 128L << 20;
  private static final int WINDOW_BYTES = 1 << 20;
  private static final int WARM_UPS = 8;
  private static final int RUNS = 41;

  private final ByteBuffer source = ByteBuffer.allocateDirect(WINDOW_BYTES + 4096);
  private final ByteBuffer destination = ByteBuffer.allocateDirect(WINDOW_BYTES + 4096);
  private final ByteBuffer window = ByteBuffer.allocateDirect(WINDOW_BYTES + 4096);
  private long saveBytes;

  private V1Bench() {}

  /** Moves the state of one device into another. */
  @FunctionalInterface
  private interface Way {
    long nanos(MigratableDevice from, MigratableDevice to) throws MigrationException;
  }

  public static void main(String[] arguments) throws Exception {
    new V1Bench().run();
  }

  private void run() throws MigrationException {
    Map<String, Way> ways = new LinkedHashMap<>();
    ways.put("plain v2 streams", (from, to) -> streams(from, to, false, false));
    ways.put("v1 region, mapped window", this::mapped);
    ways.put("v1 region, trapped window", this::trapped);
    ways.put(
        "  its nature: plain, a copy more per side", (from, to) -> streams(from, to, true, false));
    ways.put("adapter, driver proves its data", (from, to) -> adapted(from, to, true, false));
    ways.put("adapter, data summed", (from, to) -> adapted(from, to, false, false));
    ways.put(
        "  its nature: plain, summed on each side", (from, to) -> streams(from, to, false, true));
    ways.put("adapter over the trapped region", (from, to) -> adapted(from, to, true, true));
    double[][] nanos = new double[ways.size()][RUNS];
    for (int run = -WARM_UPS; run < RUNS; run++) {
      int way = 0;
      for (Way each : ways.values()) {
        double took = once(each);
        if (run >= 0) {
          nanos[way][run] = took;
        }
        way++;
      }
    }
    System.out.printf(
        Locale.ROOT,
        "%d MiB in pieces of 1 MiB, %d runs each, in turn%n%-44s %8s %8s  %s%n",
        STATE_BYTES >> 20,
        RUNS,
        "way",
        "GB/s",
        "of plain",
        "(middle half)");
    int way = 0;
    for (String name : ways.keySet()) {
      double[] rates = new double[RUNS];
      double[] ratios = new double[RUNS];
      for (int run = 0; run < RUNS; run++) {
        rates[run] = saveBytes / nanos[way][run];
        ratios[run] = nanos[0][run] / nanos[way][run];
      }
      Arrays.sort(rates);
      Arrays.sort(ratios);
      System.out.printf(
          Locale.ROOT,
          "%-44s %8.2f %8.2f  (%.2f to %.2f)%n",
          name,
          rates[RUNS / 2],
          ratios[RUNS / 2],
          ratios[RUNS / 4],
          ratios[RUNS * 3 / 4]);
      way++;
    }
  }

  private static double once(Way way) throws MigrationException {
    String address = "sim:pds?service-time=0&work=off&state=" + (STATE_BYTES >> 20) + "MiB";
    try (HostDevice one = open(address);
        HostDevice other = open(address);
        MigratableDevice from = new SimMigrationDriver().attach(one);
        MigratableDevice to = new SimMigrationDriver().attach(other)) {
      return way.nanos(from, to);
    }
  }

  private static HostDevice open(String address) throws MigrationException {
    return new SimDeviceModel()
        .create(DeviceAddress.parse(address), new OpenContext("dev0", new SimClock(1)));
  }

  private static ArcOutcome go(MigratableDevice device, DeviceState to) throws MigrationException {
    ArcOutcome outcome = ArcOutcome.done();
    Transition.Path path =
        (Transition.Path) TransitionTable.of(device.features()).transition(device.state(), to);
    for (Arc arc : path.arcs()) {
      outcome = device.perform(arc);
    }
    return outcome;
  }

  private static void copy(ByteBuffer from, ByteBuffer to) {
    to.clear().limit(from.limit()).put(0, from, 0, from.limit());
  }

  /** By the streams; with a copy more on each side, or summed there. */
  private long streams(MigratableDevice from, MigratableDevice to, boolean copied, boolean summed)
      throws MigrationException {
    SaveStream save = ((ArcOutcome.Saving) go(from, DeviceState.STOP_COPY)).stream();
    LoadStream load = ((ArcOutcome.Loading) go(to, DeviceState.RESUMING)).stream();
    CRC32C saved = new CRC32C();
    CRC32C loaded = new CRC32C();
    saveBytes = 0;
    long began = System.nanoTime();
    while (save.read(source.clear().limit(WINDOW_BYTES)) == SaveStream.Status.DATA) {
      saveBytes += source.flip().limit();
      if (summed) {
        saved.update(source.duplicate());
      }
      if (copied) {
        copy(source, window);
        copy(window, destination);
        copy(destination, window);
        load.write(window);
      } else {
        copy(source, destination);
        if (summed) {
          loaded.update(destination.duplicate());
        }
        load.write(destination);
      }
    }
    if (saved.getValue() != loaded.getValue()) {
      throw new IllegalStateException("the wire has changed the data");
    }
    go(to, DeviceState.STOP);
    return System.nanoTime() - began;
  }

  private static V1MigrationRegion region(MigratableDevice device, boolean mapped) {
    return new V1MigrationRegion(
        device, new V1RegionSettings(9, WINDOW_BYTES, mapped, 30_000_000_000L, new SimClock(1)));
  }

  private long trapped(MigratableDevice from, MigratableDevice to) throws MigrationException {
    try (V1MigrationRegion saving = region(from, false);
        V1MigrationRegion loading = region(to, false)) {
      V1Device reader = new V1RegionDevice(saving, saving::reset);
      V1Device writer = new V1RegionDevice(loading, loading::reset);
      reader.writeDeviceState(2);
      writer.writeDeviceState(4);
      long began = System.nanoTime();
      while (reader.readPendingBytes() != 0) {
        long offset = reader.readDataOffset();
        source.clear().limit((int) reader.readDataSize());
        reader.readData(offset, source);
        copy(source.flip(), destination);
        writer.writeData(writer.readDataOffset(), destination);
        writer.writeDataSize(destination.limit());
      }
      writer.writeDeviceState(0);
      return System.nanoTime() - began;
    }
  }

  /** The windows are the buffers of both sides. */
  private long mapped(MigratableDevice from, MigratableDevice to) throws MigrationException {
    try (V1MigrationRegion saving = region(from, true);
        V1MigrationRegion loading = region(to, true)) {
      V1Device reader = new V1RegionDevice(saving, saving::reset);
      V1Device writer = new V1RegionDevice(loading, loading::reset);
      reader.writeDeviceState(2);
      writer.writeDeviceState(4);
      ByteBuffer in = saving.map(V1RegionSettings.WINDOW_OFFSET, WINDOW_BYTES).orElseThrow();
      ByteBuffer out = loading.map(V1RegionSettings.WINDOW_OFFSET, WINDOW_BYTES).orElseThrow();
      long began = System.nanoTime();
      while (reader.readPendingBytes() != 0) {
        int at = (int) (reader.readDataOffset() - V1RegionSettings.WINDOW_OFFSET);
        int size = (int) reader.readDataSize();
        out.put((int) (writer.readDataOffset() - V1RegionSettings.WINDOW_OFFSET), in, at, size);
        writer.writeDataSize(size);
      }
      writer.writeDeviceState(0);
      return System.nanoTime() - began;
    }
  }

  private static V1DeviceAdapter adapter(V1Device device, boolean checksummed)
      throws MigrationException {
    return V1DeviceAdapter.attach(
        device,
        new V1AdapterSettings(
            "sim",
            V1Stopping.AT_ONCE,
            V1Loading.WHEN_LEFT,
            false,
            checksummed,
            false,
            30_000_000_000L,
            1L << 40,
            new SimClock(1)));
  }

  /** By the adapter over a driver written for v1, or over the region. */
  private long adapted(
      MigratableDevice from, MigratableDevice to, boolean checksummed, boolean overRegion)
      throws MigrationException {
    try (V1MigrationRegion saving = region(from, false);
        V1MigrationRegion loading = region(to, false);
        V1DeviceAdapter saver =
            adapter(
                overRegion
                    ? new V1RegionDevice(saving, saving::reset)
                    : new V1Native(from, WINDOW_BYTES, saveBytes),
                checksummed);
        V1DeviceAdapter loader =
            adapter(
                overRegion
                    ? new V1RegionDevice(loading, loading::reset)
                    : new V1Native(to, WINDOW_BYTES, saveBytes),
                checksummed)) {
      SaveStream save = ((ArcOutcome.Saving) go(saver, DeviceState.STOP_COPY)).stream();
      LoadStream load = ((ArcOutcome.Loading) go(loader, DeviceState.RESUMING)).stream();
      long began = System.nanoTime();
      // With room for a chunk and its record, nothing is copied twice.
      while (save.read(source.clear()) == SaveStream.Status.DATA) {
        copy(source.flip(), destination);
        load.write(destination);
      }
      go(loader, DeviceState.STOP);
      return System.nanoTime() - began;
    }
  }
}
