package io.vferry.cli;

import io.vferry.cli.manifest.Spelling;
import io.vferry.cli.output.Inspection;
import io.vferry.runtime.discovery.Discovery;
import io.vferry.runtime.discovery.Found;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.driver.StreamInspector;
import io.vferry.spi.error.MigrationException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Prints what a recorded stream of a device holds. */
@Command(
    name = "inspect",
    header = "shows what a recorded migration stream of a device holds",
    customSynopsis = "vferry inspect FILE [--driver ID] [--drivers DIR]... [OPTION...]",
    description = {
      "Reads a file with the bytes of one save stream, as a driver wrote them, and prints what the"
          + " driver recognises in it. No device is needed.",
      "",
      "Without --driver each driver that has an inspector tries the file. One must recognise all of"
          + " it; if none or more than one does, the answer says so and nothing is guessed.",
      "",
      "With '--output json' the answer is {\"driver\", \"length\", \"fields\": [{\"offset\","
          + " \"length\", \"name\", \"value\"}, ...]}."
    },
    footerHeading = "%nExamples%n",
    footer = {
      "  vferry inspect vf0.state",
      "  vferry inspect vf0.state --driver mlx5 --output json"
    })
final class InspectCommand implements VferryCommand {

  /** What a driver found, or why it found nothing. */
  private record Reading(
      String driver, List<StreamInspector.Field> fields, @Nullable MigrationException refusal) {}

  @Parameters(index = "0", paramLabel = "FILE", description = "The recorded stream.")
  private Path file = Path.of("");

  @Option(
      names = "--driver",
      paramLabel = "ID",
      description = "The driver that wrote the stream; 'vferry drivers' lists them.")
  private @Nullable String driverId;

  @Mixin private DriverOptions drivers = new DriverOptions();

  @Mixin private CommonOptions common = new CommonOptions();

  @Override
  public CommonOptions common() {
    return common;
  }

  @Override
  public Set<ExitCode> exitCodes() {
    return EnumSet.of(ExitCode.OK, ExitCode.INTERNAL, ExitCode.USAGE, ExitCode.REFUSED);
  }

  @Override
  public Integer call() throws CommandException, MigrationException {
    common.startLogging();
    List<Found<MigrationDriver>> able =
        Discovery.discover(drivers.directories()).drivers().stream()
            .filter(driver -> driver.instance().inspector().isPresent())
            .toList();
    List<Found<MigrationDriver>> asked = asked(able);
    ByteBuffer stream = contents();
    Reading reading = recognised(read(asked, stream));
    PrintWriter out = common.out();
    Inspection inspection = new Inspection(reading.driver(), stream.remaining(), reading.fields());
    if (common.json()) {
      out.println(inspection.json());
    } else {
      inspection.lines(file.toString()).forEach(out::println);
    }
    return ExitCode.OK.number();
  }

  private List<Found<MigrationDriver>> asked(List<Found<MigrationDriver>> able)
      throws CommandException {
    String id = driverId;
    if (id == null) {
      return able;
    }
    List<Found<MigrationDriver>> named =
        able.stream().filter(driver -> driver.name().equals(id)).toList();
    if (named.isEmpty()) {
      throw common.usageError(
          "no driver '%s' with an inspector; %s"
              .formatted(id, Spelling.hint(id, able.stream().map(Found::name).toList())));
    }
    return named;
  }

  private ByteBuffer contents() throws CommandException {
    try (FileChannel channel = FileChannel.open(file)) {
      long length = channel.size();
      if (length > Integer.MAX_VALUE) {
        throw new CommandException(
            ExitCode.REFUSED,
            "%s has %d bytes; streams of up to %d bytes can be inspected"
                .formatted(file, length, Integer.MAX_VALUE));
      }
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, length);
    } catch (IOException e) {
      throw new CommandException(ExitCode.USAGE, "cannot read " + file + ": " + e.getMessage());
    }
  }

  private static List<Reading> read(List<Found<MigrationDriver>> asked, ByteBuffer stream) {
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

  private Reading recognised(List<Reading> readings) throws CommandException, MigrationException {
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
