package io.vferry.bench;

import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.transport.Security;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * The state of one device through the whole pipeline, against a bare socket copy of as many bytes
 * in the same run. The time of the pipeline is the whole downtime: stop, save, send, load, prove,
 * start.
 *
 * <p>Usage: {@code PipelineBench [KEYS]}: plain, or TLS with the PEM files of a directory.
 */
final class PipelineBench {

  private static final long BYTES = 1L << 30;
  private static final int WARM_UPS = 2;
  private static final int RUNS = 7;

  private PipelineBench() {}

  public static void main(String[] arguments) throws Exception {
    Optional<Path> keys = Arrays.stream(arguments).findFirst().map(Path::of);
    Security security =
        keys.<Security>map(directory -> new Security.Tls(directory, Optional.empty()))
            .orElse(new Security.Plain());
    Manifest manifest = Loopback.devices(1, "sim:pds?state=1GiB&service-time=0&work=off", 600_000);
    double[] ratios = new double[RUNS];
    Loopback loopback = new Loopback(Files.createTempDirectory("vferry-bench"), security);
    for (int run = -WARM_UPS; run < RUNS; run++) {
      long bare =
          keys.isPresent() ? BareCopy.tlsNanos(BYTES, keys.get()) : BareCopy.plainNanos(BYTES);
      MigrationReport report = loopback.move(manifest);
      double ours = report.downtimeMillis().orElseThrow();
      double ratio = bare / 1e6 / ours;
      System.out.printf(
          "%s bare %.0f ms, pipeline %.0f ms for %d bytes, ratio %.2f%n",
          run < 0 ? "warm-up" : "run " + (run + 1),
          bare / 1e6,
          ours,
          report.vfioTransferredBytes(),
          ratio);
      report.timeline().stream()
          .filter(span -> span.lane().equals("dev0"))
          .forEach(
              span ->
                  System.out.printf(
                      "    %-28s %8.1f ms%n", span.name(), span.endMillis() - span.startMillis()));
      if (run >= 0) {
        ratios[run] = ratio;
      }
    }
    Arrays.sort(ratios);
    System.out.printf(
        "ratio to the bare copy: median %.2f, from %.2f to %.2f%n",
        ratios[RUNS / 2], ratios[0], ratios[RUNS - 1]);
  }
}
