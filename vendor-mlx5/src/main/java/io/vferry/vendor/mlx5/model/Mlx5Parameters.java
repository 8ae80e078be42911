package io.vferry.vendor.mlx5.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads the parameters of an address, each at most once, and refuses those nobody asked for. */
final class Mlx5Parameters {

  private static final Pattern SIZE = Pattern.compile("([0-9]{1,15})(B|KiB|MiB|GiB)?(?:/s)?");
  private static final Pattern TIME = Pattern.compile("([0-9]{1,15})(ns|us|ms|s)?");

  private final String subject;
  private final Map<String, String> values;
  private final TreeSet<String> known = new TreeSet<>();

  Mlx5Parameters(String subject, Map<String, String> values) {
    this.subject = subject;
    this.values = values;
  }

  String text(String key, String fallback) {
    known.add(key);
    return values.getOrDefault(key, fallback);
  }

  long number(String key, long fallback, long min, long max) throws MigrationException {
    known.add(key);
    String value = values.get(key);
    if (value == null) {
      return fallback;
    }
    if (value.matches("[0-9]{1,18}")) {
      long number = Long.parseLong(value);
      if (number >= min && number <= max) {
        return number;
      }
    }
    throw refused(key, value, "a number from " + min + " to " + max);
  }

  long bytes(String key, long fallback, long min, long max) throws MigrationException {
    known.add(key);
    String value = values.get(key);
    if (value == null) {
      return fallback;
    }
    Matcher matcher = SIZE.matcher(value);
    if (matcher.matches()) {
      String unit = matcher.group(2) == null ? "B" : matcher.group(2);
      int shift =
          switch (unit) {
            case "KiB" -> 10;
            case "MiB" -> 20;
            case "GiB" -> 30;
            default -> 0;
          };
      long number = Long.parseLong(matcher.group(1));
      if (number <= (Long.MAX_VALUE >> shift) && number << shift >= min && number << shift <= max) {
        return number << shift;
      }
    }
    throw refused(key, value, "a size from " + min + " to " + max + " bytes, for example 64MiB");
  }

  long nanos(String key, long fallback, long max) throws MigrationException {
    known.add(key);
    String value = values.get(key);
    if (value == null) {
      return fallback;
    }
    long nanos = parseNanos(value);
    if (nanos >= 0 && nanos <= max) {
      return nanos;
    }
    throw refused(key, value, "a time from 0 to " + max + " ns, for example 500us");
  }

  /** Returns a time such as {@code 500us}, or -1 if the text is none. */
  static long parseNanos(String value) {
    Matcher matcher = TIME.matcher(value);
    if (!matcher.matches()) {
      return -1;
    }
    String unit = matcher.group(2) == null ? "ns" : matcher.group(2);
    long factor =
        switch (unit) {
          case "us" -> 1_000L;
          case "ms" -> 1_000_000L;
          case "s" -> 1_000_000_000L;
          default -> 1L;
        };
    long number = Long.parseLong(matcher.group(1));
    return number > Long.MAX_VALUE / factor ? -1 : number * factor;
  }

  boolean flag(String key, boolean fallback) throws MigrationException {
    known.add(key);
    String value = values.get(key);
    if (value == null) {
      return fallback;
    }
    return switch (value) {
      case "true", "on" -> true;
      case "false", "off" -> false;
      default -> throw refused(key, value, "true, false, on or off");
    };
  }

  /** Returns what was asked for so far. */
  Set<String> known() {
    return Set.copyOf(known);
  }

  /** Refuses what was not asked for. */
  void finish() throws MigrationException {
    for (String key : values.keySet()) {
      if (!known.contains(key)) {
        throw new MigrationException(
            DeviceError.BAD_REQUEST,
            "%s has no parameter '%s'; it has %s"
                .formatted(subject, key, String.join(", ", known)));
      }
    }
  }

  MigrationException refused(String key, String value, String range) {
    return new MigrationException(
        DeviceError.BAD_REQUEST,
        "parameter %s of %s is '%s', but must be %s".formatted(key, subject, value, range));
  }
}
