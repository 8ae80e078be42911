package io.vferry.cli;

import io.vferry.cli.output.Inspection;
import io.vferry.spi.error.MigrationException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
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
    StreamReaders readers = StreamReaders.find(drivers.directories(), driverId, common);
    Inspection inspection = readers.read(file, contents());
    PrintWriter out = common.out();
    if (common.json()) {
      out.println(inspection.json());
    } else {
      inspection.lines(file.toString()).forEach(out::println);
    }
    return ExitCode.OK.number();
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
}
