package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads the parameters of an address, and refuses those that nobody asked for. */
final class HisiAccParameters {

  private static final Pattern TIME = Pattern.compile("([0-9]{1,12})(ns|us|ms|s)");

  private final DeviceAddress address;
  private final Map<String, String> values;
  private final TreeSet<String> known = new TreeSet<>();

  HisiAccParameters(DeviceAddress address) {
    this.address = address;
    this.values = address.parameters();
  }

  int number(String key, int fallback, int min, int max) throws MigrationException {
    known.add(key);
    String value = values.get(key);
    if (value == null) {
      return fallback;
    }
    if (value.matches("[0-9]{1,10}")) {
      long number = Long.parseLong(value);
      if (number >= min && number <= max) {
        return (int) number;
      }
    }
    throw refused(key, value, "a number from " + min + " to " + max);
  }

  String text(String key) {
    known.add(key);
    return values.getOrDefault(key, "");
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

  long nanos(String key, long fallback, long min, long max) throws MigrationException {
    known.add(key);
    String value = values.get(key);
    if (value == null) {
      return fallback;
    }
    Matcher matcher = TIME.matcher(value);
    if (matcher.matches()) {
      long factor =
          switch (matcher.group(2)) {
            case "us" -> 1_000L;
            case "ms" -> 1_000_000L;
            case "s" -> 1_000_000_000L;
            default -> 1L;
          };
      long number = Long.parseLong(matcher.group(1));
      if (number <= max / factor && number * factor >= min) {
        return number * factor;
      }
    }
    throw refused(key, value, "a time from " + min + " to " + max + " ns, for example 500us");
  }

  void finish() throws MigrationException {
    for (String key : values.keySet()) {
      if (!known.contains(key)) {
        throw new MigrationException(
            DeviceError.BAD_REQUEST,
            "%s has no parameter '%s'; it has %s"
                .formatted(address.path(), key, String.join(", ", known)));
      }
    }
  }

  private MigrationException refused(String key, String value, String range) {
    return new MigrationException(
        DeviceError.BAD_REQUEST,
        "parameter %s of %s is '%s', but must be %s".formatted(key, address.path(), value, range));
  }
}
