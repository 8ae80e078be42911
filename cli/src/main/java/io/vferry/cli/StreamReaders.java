package io.vferry.cli;

import io.vferry.cli.manifest.Spelling;
import io.vferry.cli.output.Inspection;
import io.vferry.runtime.discovery.Discovery;
import io.vferry.runtime.discovery.Found;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.driver.StreamInspector;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The drivers that can read a recorded stream. Apart from the command, whose methods are looked at
 * by reflection at each start, also of another command.
 */
final class StreamReaders {

  /** What a driver found, or why it found nothing. */
  private record Reading(
      String driver, List<StreamInspector.Field> fields, @Nullable MigrationException refusal) {}

  private final List<Found<MigrationDriver>> asked;

  private StreamReaders(List<Found<MigrationDriver>> asked) {
    this.asked = asked;
  }

  /**
   * Looks for drivers.
   *
   * @param id of the only driver to ask; all that can are asked if null
   */
  static StreamReaders find(List<Path> directories, @Nullable String id, CommonOptions common)
      throws CommandException {
    List<Found<MigrationDriver>> able =
        Discovery.discover(directories).drivers().stream()
            .filter(driver -> driver.instance().inspector().isPresent())
            .toList();
    if (id == null) {
      return new StreamReaders(able);
    }
    List<Found<MigrationDriver>> named =
        able.stream().filter(driver -> driver.name().equals(id)).toList();
    if (named.isEmpty()) {
      throw common.usageError(
          "no driver '%s' with an inspector; %s"
              .formatted(id, Spelling.hint(id, able.stream().map(Found::name).toList())));
    }
    return new StreamReaders(named);
  }

  /** Has them read a stream, which exactly one must recognise. */
  Inspection read(Path file, ByteBuffer stream) throws CommandException, MigrationException {
    Reading reading = recognised(file, readings(stream));
    return new Inspection(reading.driver(), stream.remaining(), reading.fields());
  }

  private List<Reading> readings(ByteBuffer stream) {
    List<Reading> readings = new ArrayList<>();
    for (Found<MigrationDriver> driver : asked) {
      StreamInspector inspector = driver.instance().inspector().orElseThrow();
      try {
        List<StreamInspector.Field> fields = inspector.inspect(stream.asReadOnlyBuffer());
        readings.add(new Reading(driver.name(), fields, null));
      } catch (MigrationException e) {
        readings.add(new Reading(driver.name(), List.of(), e));
      }
    }
    return readings;
  }

  private static Reading recognised(Path file, List<Reading> readings)
      throws CommandException, MigrationException {
    List<Reading> sound = readings.stream().filter(reading -> reading.refusal() == null).toList();
    if (sound.size() == 1) {
      return sound.get(0);
    }
    if (sound.size() > 1) {
      throw new CommandException(
          ExitCode.REFUSED,
          "%s could be a stream of %s; say which with --driver"
              .formatted(
                  file, sound.stream().map(Reading::driver).collect(Collectors.joining(" or "))));
    }
    MigrationException only = readings.size() == 1 ? readings.get(0).refusal() : null;
    if (only != null) {
      throw only;
    }
    throw new CommandException(
        ExitCode.REFUSED,
        readings.isEmpty()
            ? "no driver was found that can inspect streams"
            : readings.stream()
                .filter(reading -> reading.refusal() != null)
                .map(reading -> "%n  %s: %s".formatted(reading.driver(), detail(reading.refusal())))
                .collect(Collectors.joining("", file + " is a stream of no driver here:", "")));
  }

  private static String detail(@Nullable MigrationException refusal) {
    return refusal == null ? "" : refusal.detail();
  }
}
