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
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.state.Arc;
import io.vferry.vendor.sim.SimClock;
import io.vferry.vendor.sim.SimDeviceModel;
import io.vferry.vendor.sim.SimMigrationDriver;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;

/**
 * What v1 costs: the state of one simulated device into another, by the plain v2 streams, by a v1
 * client over the v1 region, and by the adapter over a v1 driver, which here is that region again.
 * All in turn in one run, in pieces of 1 MiB.
 */
final class V1Bench {

  private static final long BYTES = 512L << 20;
  private static final int WINDOW_BYTES = 1 << 20;
  private static final int WARM_UPS = 3;
  private static final int RUNS = 15;

  private V1Bench() {}

  /** Moves the state of one device into another. */
  @FunctionalInterface
  private interface Way {
    long move(MigratableDevice from, MigratableDevice to) throws MigrationException;
  }

  public static void main(String[] arguments) throws Exception {
    double[] plain = new double[RUNS];
    double[] trapped = new double[RUNS];
    double[] mapped = new double[RUNS];
    double[] adapted = new double[RUNS];
    for (int run = -WARM_UPS; run < RUNS; run++) {
      double plainNanos = nanos(V1Bench::plain);
      double trappedNanos = nanos((from, to) -> region(from, to, false));
      double mappedNanos = nanos((from, to) -> region(from, to, true));
      double adaptedNanos = nanos(V1Bench::adapted);
      if (run >= 0) {
        plain[run] = BYTES / plainNanos;
        trapped[run] = plainNanos / trappedNanos;
        mapped[run] = plainNanos / mappedNanos;
        adapted[run] = plainNanos / adaptedNanos;
      }
    }
    System.out.printf(Locale.ROOT, "plain v2 streams: median %.2f GB/s%n", median(plain));
    print("v1 region, trapped window of 1 MiB", trapped);
    print("v1 region, mapped window of 1 MiB", mapped);
    print("v1 driver under the adapter, 1 MiB", adapted);
  }

  private static void print(String what, double[] ratios) {
    double middle = median(ratios);
    System.out.printf(
        Locale.ROOT,
        "%s: %.2f of the plain streams (median of %d; %.2f to %.2f)%n",
        what,
        middle,
        RUNS,
        ratios[0],
        ratios[RUNS - 1]);
  }

  private static double median(double[] values) {
    Arrays.sort(values);
    return values[values.length / 2];
  }

  private static double nanos(Way way) throws MigrationException {
    String address = "sim:pds?service-time=0&work=off&state=" + (BYTES >> 20) + "MiB";
    try (HostDevice source = open(address);
        HostDevice destination = open(address);
        MigratableDevice from = new SimMigrationDriver().attach(source);
        MigratableDevice to = new SimMigrationDriver().attach(destination)) {
      return way.move(from, to);
    }
  }

  private static HostDevice open(String address) throws MigrationException {
    HostClock clock = new SimClock(1);
    return new SimDeviceModel()
        .create(DeviceAddress.parse(address), new OpenContext("dev0", clock));
  }

  private static long plain(MigratableDevice from, MigratableDevice to) throws MigrationException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(WINDOW_BYTES);
    SaveStream save = null;
    LoadStream load = null;
    for (Arc arc :
        new Arc[] {Arc.RUNNING_TO_RUNNING_P2P, Arc.RUNNING_P2P_TO_STOP, Arc.STOP_TO_STOP_COPY}) {
      save = from.perform(arc) instanceof ArcOutcome.Saving saving ? saving.stream() : save;
    }
    for (Arc arc :
        new Arc[] {Arc.RUNNING_TO_RUNNING_P2P, Arc.RUNNING_P2P_TO_STOP, Arc.STOP_TO_RESUMING}) {
      load = to.perform(arc) instanceof ArcOutcome.Loading loading ? loading.stream() : load;
    }
    long began = System.nanoTime();
    while (save.read(buffer.clear()) == SaveStream.Status.DATA) {
      load.write(buffer.flip());
    }
    to.perform(Arc.RESUMING_TO_STOP);
    return System.nanoTime() - began;
  }

  private static V1MigrationRegion region(MigratableDevice device, boolean mapped) {
    return new V1MigrationRegion(
        device, new V1RegionSettings(9, WINDOW_BYTES, mapped, 30_000_000_000L, new SimClock(1)));
  }

  private static long region(MigratableDevice from, MigratableDevice to, boolean mapped)
      throws MigrationException {
    try (V1MigrationRegion source = region(from, mapped);
        V1MigrationRegion destination = region(to, mapped)) {
      V1Device reader = new V1RegionDevice(source, source::reset);
      V1Device writer = new V1RegionDevice(destination, destination::reset);
      reader.writeDeviceState(2);
      writer.writeDeviceState(4);
      ByteBuffer buffer = ByteBuffer.allocateDirect(WINDOW_BYTES);
      ByteBuffer in = buffer;
      ByteBuffer out = buffer;
      if (mapped) {
        in = source.map(V1RegionSettings.WINDOW_OFFSET, WINDOW_BYTES).orElseThrow();
        out = destination.map(V1RegionSettings.WINDOW_OFFSET, WINDOW_BYTES).orElseThrow();
      }
      long began = System.nanoTime();
      while (reader.readPendingBytes() != 0) {
        long offset = reader.readDataOffset();
        int size = (int) reader.readDataSize();
        long target = writer.readDataOffset();
        if (mapped) {
          out.put(0, in, 0, size);
        } else {
          reader.readData(offset, buffer.clear().limit(size));
          writer.writeData(target, buffer.flip());
        }
        writer.writeDataSize(size);
      }
      writer.writeDeviceState(0);
      return System.nanoTime() - began;
    }
  }

  private static V1DeviceAdapter adapter(V1MigrationRegion region) throws MigrationException {
    return V1DeviceAdapter.attach(
        new V1RegionDevice(region, region::reset),
        new V1AdapterSettings(
            "sim",
            V1Stopping.AT_ONCE,
            V1Loading.WHEN_LEFT,
            false,
            false,
            30_000_000_000L,
            1L << 40,
            new SimClock(1)));
  }

  private static long adapted(MigratableDevice from, MigratableDevice to)
      throws MigrationException {
    try (V1MigrationRegion source = region(from, false);
        V1MigrationRegion destination = region(to, false);
        V1DeviceAdapter saver = adapter(source);
        V1DeviceAdapter loader = adapter(destination)) {
      saver.perform(Arc.RUNNING_TO_STOP);
      loader.perform(Arc.RUNNING_TO_STOP);
      SaveStream save = ((ArcOutcome.Saving) saver.perform(Arc.STOP_TO_STOP_COPY)).stream();
      LoadStream load = ((ArcOutcome.Loading) loader.perform(Arc.STOP_TO_RESUMING)).stream();
      // With room for a chunk and its record, nothing is copied twice.
      ByteBuffer buffer = ByteBuffer.allocateDirect(WINDOW_BYTES + 4096);
      long began = System.nanoTime();
      while (save.read(buffer.clear()) == SaveStream.Status.DATA) {
        load.write(buffer.flip());
      }
      loader.perform(Arc.RESUMING_TO_STOP);
      return System.nanoTime() - began;
    }
  }
}
