package io.vferry.cli.manifest;

import java.math.BigDecimal;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads numbers with units: {@code 64MiB}, {@code 1.5s}, {@code 100MiB/s}.
 *
 * @param example what is expected, with an example
 * @param defaultUnit what a number without a unit is taken for; if null, it needs one
 * @param units by name
 * @param whole what the result is a whole number of
 */
record Quantity(
    String example, @Nullable String defaultUnit, Map<String, Long> units, String whole) {

  /** In bytes; without a unit, bytes. */
  static final Quantity SIZE =
      new Quantity(
          "a size, for example 256MiB",
          "B",
          Map.of("B", 1L, "KiB", 1L << 10, "MiB", 1L << 20, "GiB", 1L << 30, "TiB", 1L << 40),
          "bytes");

  /** In bytes per second; without a unit, bytes per second. */
  static final Quantity RATE =
      new Quantity(
          "a rate, for example 100MiB/s",
          "B/s",
          Map.of(
              "B/s", 1L, "KiB/s", 1L << 10, "MiB/s", 1L << 20, "GiB/s", 1L << 30, "TiB/s",
              1L << 40),
          "bytes");

  /** In milliseconds; a unit must be there. */
  static final Quantity TIME =
      new Quantity(
          "a time, for example 300ms or 10s",
          null,
          Map.of("ms", 1L, "s", 1000L, "min", 60_000L),
          "milliseconds");

  private static final Pattern FORM =
      Pattern.compile("([0-9]{1,18}(?:\\.[0-9]{1,9})?) ?([A-Za-z/]*)");

  /**
   * Reads a quantity.
   *
   * @throws IllegalArgumentException with a sentence for people
   */
  long parse(String text) {
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("'" + text + "' is not " + example);
    }
    String unit = matcher.group(2);
    if (unit.isEmpty()) {
      if (matcher.group(1).matches("0+")) {
        return 0;
      }
      if (defaultUnit == null) {
        throw new IllegalArgumentException("'" + text + "' has no unit: write " + example);
      }
      unit = defaultUnit;
    }
    Long factor = units.get(unit);
    if (factor == null) {
      throw new IllegalArgumentException(
          "'"
              + unit
              + "' in '"
              + text
              + "' is no unit of "
              + example
              + "; units are "
              + unitNames());
    }
    BigDecimal value = new BigDecimal(matcher.group(1)).multiply(BigDecimal.valueOf(factor));
    try {
      return value.longValueExact();
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(
          "'"
              + text
              + "' is "
              + (value.signum() > 0 && value.scale() <= 0
                  ? "too large"
                  : "no whole number of " + whole),
          e);
    }
  }

  private String unitNames() {
    return units.entrySet().stream()
        .sorted(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .reduce((a, b) -> a + ", " + b)
        .orElseThrow();
  }
}
