package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads named parameters, each at most once, and refuses those that nobody asked for. */
final class SimParameters {

  private static final Pattern SIZE = Pattern.compile("([0-9]{1,15})(B|KiB|MiB|GiB)?(?:/s)?");
  private static final Pattern TIME = Pattern.compile("([0-9]{1,15})(ns|us|ms|s)?");

  private final String subject;
  private final Map<String, String> values;
  private final TreeSet<String> known = new TreeSet<>();

  /**
   * Reads from a map.
   *
   * @param subject whose parameters they are, for messages
   */
  SimParameters(String subject, Map<String, String> values) {
    this.subject = subject;
    this.values = values;
  }

  boolean has(String key) {
    known.add(key);
    return values.containsKey(key);
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
    if (value.matches("-?[0-9]{1,18}")) {
      long number = Long.parseLong(value);
      if (number >= min && number <= max) {
        return number;
      }
    }
    throw refused(key, value, "a number from " + min + " to " + max);
  }

  long size(String key, long fallback, long min, long max) throws MigrationException {
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
    Matcher matcher = TIME.matcher(value);
    if (matcher.matches()) {
      String unit = matcher.group(2) == null ? "ns" : matcher.group(2);
      long factor =
          switch (unit) {
            case "us" -> 1_000L;
            case "ms" -> 1_000_000L;
            case "s" -> 1_000_000_000L;
            default -> 1L;
          };
      long number = Long.parseLong(matcher.group(1));
      if (number <= max / factor) {
        return number * factor;
      }
    }
    throw refused(key, value, "a time from 0 to " + max + " ns, for example 500us");
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

  <E extends Enum<E>> E choice(String key, E fallback, E[] choices) throws MigrationException {
    known.add(key);
    String value = values.get(key);
    if (value == null) {
      return fallback;
    }
    StringBuilder names = new StringBuilder();
    for (E choice : choices) {
      String name = choice.name();
      if (name.equalsIgnoreCase(value)) {
        return choice;
      }
      names.append(names.length() == 0 ? "" : ", ").append(name);
    }
    throw refused(key, value, "one of " + names);
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
