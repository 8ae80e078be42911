package io.vferry.runtime.report;

import java.util.Locale;

/** Prints quantities for people, with three or four digits and a unit. */
public final class Figure {

  private static final String[] BINARY = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

  private Figure() {}

  /** Prints a number of bytes, {@code 64.0 MiB}. */
  public static String bytes(long bytes) {
    if (bytes < 0) {
      return "?";
    }
    double value = bytes;
    int unit = 0;
    while (value >= 1023.95 && unit < BINARY.length - 1) {
      value /= 1024;
      unit++;
    }
    return unit == 0
        ? bytes + " B"
        : String.format(Locale.ROOT, value >= 999.95 ? "%.0f %s" : "%.1f %s", value, BINARY[unit]);
  }

  /** Prints a rate, {@code 812.4 MiB/s}. */
  public static String bytesPerSecond(long bytesPerSecond) {
    return bytes(bytesPerSecond) + "/s";
  }

  /** Prints a time, {@code 0.21 ms}, {@code 142 ms} or {@code 3.41 s}. */
  public static String millis(double millis) {
    if (millis >= 99_995) {
      return String.format(Locale.ROOT, "%.0f s", millis / 1000);
    }
    if (millis >= 999.5) {
      return String.format(Locale.ROOT, "%.2f s", millis / 1000);
    }
    if (millis >= 99.95) {
      return String.format(Locale.ROOT, "%.0f ms", millis);
    }
    return String.format(Locale.ROOT, millis >= 9.995 ? "%.1f ms" : "%.2f ms", millis);
  }
}
