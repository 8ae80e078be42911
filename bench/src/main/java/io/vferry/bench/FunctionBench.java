package io.vferry.bench;

import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.discovery.Discovery;
import io.vferry.runtime.discovery.DriverChoice;
import io.vferry.runtime.transport.Security;
import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.SystemHostClock;
import io.vferry.spi.state.Arc;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;

/**
 * The driver of mlx5 functions over the model of their firmware: commands in a second, a large
 * image against a plain copy, and the downtime of one and of four functions of a card.
 */
final class FunctionBench {

  private static final int COMMANDS = 20_000;
  private static final int PIECE_BYTES = 1 << 20;
  private static final int GIGABYTE = 1 << 30;
  private static final int IMAGE_RUNS = 3;
  private static final int RUNS = 11;

  /** With these, one function stands still as long as NVIDIA's cards were reported to. */
  private static final String SERVICE_TIMES =
      "&state=100MiB&chunks=off&suspend-time=20ms&resume-time=20ms&save-time=150ms&load-time=150ms";

  private static final ThreadMXBean CPU = ManagementFactory.getThreadMXBean();

  private final Catalogue catalogue = Discovery.discover(List.of());
  private final List<Thread> clockThreads = new CopyOnWriteArrayList<>();
  private final SystemHostClock clock = new SystemHostClock(this::clockThread);

  private Thread clockThread(Runnable task) {
    Thread thread = new Thread(task, "bench-clock");
    thread.setDaemon(true);
    clockThreads.add(thread);
    return thread;
  }

  /** A function with its driver. */
  private record Function(HostDevice host, MigratableDevice device) implements AutoCloseable {
    @Override
    public void close() throws MigrationException {
      device.close();
      host.close();
    }
  }

  private Function open(String parameters) throws MigrationException {
    DeviceAddress address = DeviceAddress.parse("sim:mlx5-vf?" + parameters);
    HostDevice host = catalogue.open(address, new OpenContext("vf", clock));
    DriverChoice.Chosen choice =
        (DriverChoice.Chosen) catalogue.choose(host.info(), Optional.empty());
    return new Function(host, choice.driver().instance().attach(host));
  }

  private void commands() throws MigrationException {
    try (Function function = open("state=1MiB")) {
      StopCopyEstimate query = function.device.capability(StopCopyEstimate.class).orElseThrow();
      long took = 0;
      for (int round = 0; round < 3; round++) {
        long began = System.nanoTime();
        for (int i = 0; i < COMMANDS; i++) {
          query.stopCopyBytes();
        }
        took = System.nanoTime() - began;
      }
      System.out.printf("commands: %.0f in a second, one after the other%n", COMMANDS * 1e9 / took);
    }
  }

  /**
   * Saves and loads, on this thread all that the driver does, on those of the clock what the model
   * of the firmware does.
   */
  private void image(boolean inChunks) throws MigrationException {
    long best = Long.MAX_VALUE;
    long driver = Long.MAX_VALUE;
    long model = Long.MAX_VALUE;
    long plain = Long.MAX_VALUE;
    String chunks = inChunks ? "on" : "off";
    for (int run = 0; run < IMAGE_RUNS; run++) {
      try (Function source = open("state=1GiB&seed=1&chunks=" + chunks);
          Function destination = open("state=1GiB&seed=2&chunks=" + chunks)) {
        stop(source);
        stop(destination);
        LoadStream in =
            ((ArcOutcome.Loading) destination.device.perform(Arc.STOP_TO_RESUMING)).stream();
        ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
        long modelBegan = modelNanos();
        long driverBegan = CPU.getCurrentThreadCpuTime();
        long began = System.nanoTime();
        SaveStream out =
            ((ArcOutcome.Saving) source.device.perform(Arc.STOP_TO_STOP_COPY)).stream();
        while (out.read(piece.clear()) == SaveStream.Status.DATA) {
          in.write(piece.flip());
        }
        destination.device.perform(Arc.RESUMING_TO_STOP);
        best = Math.min(best, System.nanoTime() - began);
        driver = Math.min(driver, CPU.getCurrentThreadCpuTime() - driverBegan);
        model = Math.min(model, modelNanos() - modelBegan);
      }
      // Without chunks all of the image lies in memory that the system has to hand out first.
      plain = Math.min(plain, plainNanos(!inChunks));
    }
    System.out.printf(
        "1 GiB image, chunks=%s: a plain copy %s %.0f ms; save and load %.2f of that: the driver"
            + " %.2f, the model that makes and proves the image %.2f beside it%n",
        chunks,
        inChunks ? "in memory used before" : "into fresh memory",
        plain / 1e6,
        (double) best / plain,
        (double) driver / plain,
        (double) model / plain);
  }

  private long modelNanos() {
    return clockThreads.stream().mapToLong(thread -> CPU.getThreadCpuTime(thread.getId())).sum();
  }

  private static void stop(Function function) throws MigrationException {
    function.device.perform(Arc.RUNNING_TO_RUNNING_P2P);
    function.device.perform(Arc.RUNNING_P2P_TO_STOP);
  }

  /** The way of the bytes without device and driver: out of one memory, into another. */
  private static long plainNanos(boolean freshMemory) {
    long best = Long.MAX_VALUE;
    for (int run = 0; run < 2; run++) {
      long began = CPU.getCurrentThreadCpuTime();
      ByteBuffer from = ByteBuffer.allocateDirect(GIGABYTE);
      ByteBuffer into = ByteBuffer.allocateDirect(GIGABYTE);
      ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
      began = freshMemory ? began : CPU.getCurrentThreadCpuTime();
      for (int at = 0; at < GIGABYTE; at += PIECE_BYTES) {
        piece.put(0, from, at, PIECE_BYTES);
        into.put(at, piece, 0, PIECE_BYTES);
      }
      best = Math.min(best, CPU.getCurrentThreadCpuTime() - began);
    }
    return best;
  }

  private static double downtimeMillis(Loopback loopback, int count) throws Exception {
    List<String> addresses =
        IntStream.range(0, count)
            .mapToObj(vf -> "sim:mlx5-vf?pf=card&vf=" + vf + "&seed=" + vf + SERVICE_TIMES)
            .toList();
    double[] millis = new double[RUNS];
    for (int run = -1; run < RUNS; run++) {
      double downtime =
          loopback.move(Loopback.devices(addresses, 2000)).downtimeMillis().orElseThrow();
      if (run >= 0) {
        millis[run] = downtime;
      }
    }
    Arrays.sort(millis);
    System.out.printf(
        "%d functions of 100 MiB: downtime p50 %.0f ms, worst %.0f ms%n",
        count, millis[RUNS / 2], millis[RUNS - 1]);
    return millis[RUNS / 2];
  }

  public static void main(String[] arguments) throws Exception {
    FunctionBench bench = new FunctionBench();
    try (bench.clock) {
      bench.commands();
      bench.image(true);
      bench.image(false);
    }
    Loopback loopback =
        new Loopback(Files.createTempDirectory("vferry-bench"), new Security.Plain());
    double one = downtimeMillis(loopback, 1);
    double four = downtimeMillis(loopback, 4);
    System.out.printf("four against one: %.2f%n", four / one);
  }
}
