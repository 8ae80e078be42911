package io.vferry.bench;

import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.transport.Security;
import java.nio.file.Files;
import java.util.Arrays;

/** The downtime that the framework adds: devices that take no time and have hardly any state. */
final class DowntimeBench {

  private static final int WARM_UPS = 30;
  private static final int RUNS = 100;

  private DowntimeBench() {}

  public static void main(String[] arguments) throws Exception {
    Loopback loopback =
        new Loopback(Files.createTempDirectory("vferry-bench"), new Security.Plain());
    for (int count : new int[] {1, 8, 64}) {
      Manifest manifest =
          Loopback.devices(count, "sim:mlx5?state=4KiB&initial=4KiB&service-time=0&work=off", 300);
      double[] millis = new double[RUNS];
      for (int run = -WARM_UPS; run < RUNS; run++) {
        double downtime = loopback.move(manifest).downtimeMillis().orElseThrow();
        if (run >= 0) {
          millis[run] = downtime;
        }
      }
      Arrays.sort(millis);
      System.out.printf(
          "%2d devices: downtime p50 %.2f ms, p95 %.2f ms, worst %.2f ms%n",
          count, millis[RUNS / 2], millis[RUNS * 95 / 100], millis[RUNS - 1]);
    }
  }
}
