package io.vferry.bench;

import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.discovery.Discovery;
import io.vferry.runtime.discovery.DriverChoice;
import io.vferry.runtime.engine.SystemHostClock;
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
import io.vferry.spi.state.Arc;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The driver of mlx5 functions over the model of their firmware: commands in a second, a large
 * image against a plain copy, and the downtime of one and of four functions of a card.
 */
final class FunctionBench {

  private static final int COMMANDS = 20_000;
  private static final int PIECE_BYTES = 1 << 20;
  private static final int GIGABYTE = 1 << 30;
  private static final int RUNS = 11;

  /** With these, one function stands still as long as NVIDIA's cards were reported to. */
  private static final String SERVICE_TIMES =
      "&state=100MiB&chunks=off&suspend-time=20ms&resume-time=20ms&save-time=150ms&load-time=150ms";

  private final Catalogue catalogue;
  private final SystemHostClock clock;

  private FunctionBench(Catalogue catalogue, SystemHostClock clock) {
    this.catalogue = catalogue;
    this.clock = clock;
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

  private void image(String chunks) throws MigrationException {
    long best = Long.MAX_VALUE;
    long plain = Long.MAX_VALUE;
    for (int run = 0; run < 3; run++) {
      try (Function source = open("state=1GiB&seed=1&chunks=" + chunks);
          Function destination = open("state=1GiB&seed=2&chunks=" + chunks)) {
        stop(source);
        stop(destination);
        LoadStream in =
            ((ArcOutcome.Loading) destination.device.perform(Arc.STOP_TO_RESUMING)).stream();
        ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
        long began = System.nanoTime();
        SaveStream out =
            ((ArcOutcome.Saving) source.device.perform(Arc.STOP_TO_STOP_COPY)).stream();
        while (out.read(piece.clear()) == SaveStream.Status.DATA) {
          in.write(piece.flip());
        }
        destination.device.perform(Arc.RESUMING_TO_STOP);
        best = Math.min(best, System.nanoTime() - began);
      }
      plain = Math.min(plain, plainNanos());
    }
    System.out.printf(
        "1 GiB image, chunks=%s: save and load %.0f ms, a plain copy %.0f ms, ratio %.2f%n",
        chunks, best / 1e6, plain / 1e6, (double) best / plain);
  }

  private static void stop(Function function) throws MigrationException {
    function.device.perform(Arc.RUNNING_TO_RUNNING_P2P);
    function.device.perform(Arc.RUNNING_P2P_TO_STOP);
  }

  /** The way of the bytes without device and driver: out of one memory, into another. */
  private static long plainNanos() {
    ByteBuffer from = ByteBuffer.allocateDirect(GIGABYTE);
    ByteBuffer into = ByteBuffer.allocateDirect(GIGABYTE);
    ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
    long best = Long.MAX_VALUE;
    for (int run = 0; run < 2; run++) {
      long began = System.nanoTime();
      for (int at = 0; at < GIGABYTE; at += PIECE_BYTES) {
        piece.put(0, from, at, PIECE_BYTES);
        into.put(at, piece, 0, PIECE_BYTES);
      }
      best = Math.min(best, System.nanoTime() - began);
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
    try (SystemHostClock clock = new SystemHostClock(FunctionBench::daemon)) {
      FunctionBench bench = new FunctionBench(Discovery.discover(List.of()), clock);
      bench.commands();
      bench.image("on");
      bench.image("off");
    }
    Loopback loopback =
        new Loopback(Files.createTempDirectory("vferry-bench"), new Security.Plain());
    double one = downtimeMillis(loopback, 1);
    double four = downtimeMillis(loopback, 4);
    System.out.printf("four against one: %.2f%n", four / one);
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "bench-clock");
    thread.setDaemon(true);
    return thread;
  }
}
