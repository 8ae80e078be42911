package io.vferry.spi.host;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Reads the parameters of a {@link DeviceAddress}, so that they are written alike for all devices:
 * sizes as {@code 64MiB}, rates as {@code 100MiB/s}, times as {@code 500us}, switches as {@code on}
 * or {@code off}. Whoever reads asks for each parameter by name and at last calls {@link #finish},
 * which refuses what nobody asked for: a typing error is not ignored in silence.
 *
 * <p>One thread at a time.
 *
 * @since 1.1
 */
public final class DeviceParameters {

  private static final Pattern SIZE = Pattern.compile("([0-9]{1,15})(B|KiB|MiB|GiB|TiB)?(?:/s)?");
  private static final Pattern TIME = Pattern.compile("([0-9]{1,15})(ns|us|ms|s)?");
  private static final Pattern NUMBER = Pattern.compile("-?[0-9]{1,18}");

  private final String subject;
  private final Map<String, String> values;
  private final TreeSet<String> known = new TreeSet<>();

  /**
   * Creates a reader.
   *
   * @param subject whose parameters they are, for messages: {@code the simulated device mlx5}
   * @param values by name
   */
  public DeviceParameters(String subject, Map<String, String> values) {
    this.subject = subject;
    this.values = Map.copyOf(values);
  }

  /** Returns whether a parameter is there. */
  public boolean has(String key) {
    return text(key).isPresent();
  }

  /** Returns a parameter as it is written, if it is there. */
  public Optional<String> text(String key) {
    known.add(key);
    return Optional.ofNullable(values.get(key));
  }

  /**
   * Reads a whole number.
   *
   * @param fallback where the parameter is not there
   * @throws MigrationException {@code BAD_REQUEST} if it is none, or not from {@code min} to {@code
   *     max}
   */
  public long number(String key, long fallback, long min, long max) throws MigrationException {
    Optional<String> value = text(key);
    if (value.isEmpty()) {
      return fallback;
    }
    if (NUMBER.matcher(value.get()).matches()) {
      long number = Long.parseLong(value.get());
      if (number >= min && number <= max) {
        return number;
      }
    }
    throw refused(key, "a number from " + min + " to " + max);
  }

  /**
   * Reads a size or a rate; without a unit it is in bytes.
   *
   * @param fallback where the parameter is not there
   * @return bytes, or bytes in a second
   * @throws MigrationException {@code BAD_REQUEST} if it is none, or not from {@code min} to {@code
   *     max}
   */
  public long bytes(String key, long fallback, long min, long max) throws MigrationException {
    Optional<String> value = text(key);
    if (value.isEmpty()) {
      return fallback;
    }
    Matcher matcher = SIZE.matcher(value.get());
    if (matcher.matches()) {
      OptionalLong bytes = times(matcher, 1L << shift(matcher.group(2)));
      if (bytes.isPresent() && bytes.getAsLong() >= min && bytes.getAsLong() <= max) {
        return bytes.getAsLong();
      }
    }
    throw refused(key, "a size from " + min + " to " + max + " bytes, for example 64MiB");
  }

  private static int shift(String unit) {
    return switch (unit == null ? "B" : unit) {
      case "KiB" -> 10;
      case "MiB" -> 20;
      case "GiB" -> 30;
      case "TiB" -> 40;
      default -> 0;
    };
  }

  /**
   * Reads a time; without a unit it is in nanoseconds.
   *
   * @param fallback where the parameter is not there
   * @return nanoseconds
   * @throws MigrationException {@code BAD_REQUEST} if it is none, or not from {@code min} to {@code
   *     max}
   */
  public long nanos(String key, long fallback, long min, long max) throws MigrationException {
    Optional<String> value = text(key);
    if (value.isEmpty()) {
      return fallback;
    }
    OptionalLong nanos = parseNanos(value.get());
    if (nanos.isPresent() && nanos.getAsLong() >= min && nanos.getAsLong() <= max) {
      return nanos.getAsLong();
    }
    throw refused(key, "a time from " + min + " to " + max + " ns, for example 500us");
  }

  /** Returns the nanoseconds of a time such as {@code 500us}; empty if the text is none. */
  public static OptionalLong parseNanos(String text) {
    Matcher matcher = TIME.matcher(text);
    if (!matcher.matches()) {
      return OptionalLong.empty();
    }
    String unit = matcher.group(2);
    return times(
        matcher,
        switch (unit == null ? "ns" : unit) {
          case "us" -> 1_000L;
          case "ms" -> 1_000_000L;
          case "s" -> 1_000_000_000L;
          default -> 1L;
        });
  }

  private static OptionalLong times(Matcher matcher, long factor) {
    long number = Long.parseLong(matcher.group(1));
    return number > Long.MAX_VALUE / factor
        ? OptionalLong.empty()
        : OptionalLong.of(number * factor);
  }

  /**
   * Reads a switch, {@code on} or {@code true}, {@code off} or {@code false}.
   *
   * @param fallback where the parameter is not there
   * @throws MigrationException {@code BAD_REQUEST} if it is none of these
   */
  public boolean flag(String key, boolean fallback) throws MigrationException {
    Optional<String> value = text(key);
    if (value.isEmpty()) {
      return fallback;
    }
    return switch (value.get()) {
      case "true", "on" -> true;
      case "false", "off" -> false;
      default -> throw refused(key, "on or off");
    };
  }

  /**
   * Reads one of several words: the names of the choices in lower case, with {@code -} for {@code
   * _}. The names themselves are taken as well.
   *
   * @param fallback where the parameter is not there
   * @throws MigrationException {@code BAD_REQUEST} if it is none of them
   */
  public <E extends Enum<E>> E choice(String key, E fallback) throws MigrationException {
    Optional<String> value = text(key);
    if (value.isEmpty()) {
      return fallback;
    }
    E[] choices = fallback.getDeclaringClass().getEnumConstants();
    for (E choice : choices) {
      if (value.get().equals(choice.name()) || value.get().equals(word(choice))) {
        return choice;
      }
    }
    throw refused(
        key,
        "one of "
            + Arrays.stream(choices).map(DeviceParameters::word).collect(Collectors.joining(", ")));
  }

  private static String word(Enum<?> choice) {
    return choice.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Returns the names that were asked for so far. */
  public Set<String> known() {
    return Set.copyOf(known);
  }

  /**
   * Ends the reading.
   *
   * @throws MigrationException {@code BAD_REQUEST} if there is a parameter that nobody asked for
   */
  public void finish() throws MigrationException {
    for (String key : values.keySet().stream().sorted().toList()) {
      if (!known.contains(key)) {
        // service-time.RUNNING_TO_STOP and its like are one line of the list.
        String names =
            known.stream()
                .map(name -> name.replaceFirst("\\..*", ".NAME"))
                .distinct()
                .collect(Collectors.joining(", "));
        throw new MigrationException(
            DeviceError.BAD_REQUEST,
            "%s has no parameter '%s'; it has %s"
                .formatted(subject, key, names.isEmpty() ? "none" : names));
      }
    }
  }

  /**
   * Returns the refusal of a parameter, for those who know more about it than its form.
   *
   * @param key which one
   * @param range what it must be, to follow "must be"
   */
  public MigrationException refused(String key, String range) {
    return new MigrationException(
        DeviceError.BAD_REQUEST,
        "parameter %s of %s is '%s', but must be %s"
            .formatted(key, subject, values.getOrDefault(key, ""), range));
  }
}
