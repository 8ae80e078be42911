package io.vferry.cli;

import io.vferry.runtime.Vferry;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What the runtime needs to know. */
final class RuntimeOptions {

  @Mixin private DriverOptions drivers = new DriverOptions();

  @Option(
      names = "--journal",
      paramLabel = "DIR",
      description =
          "Where the journal is kept that tells after a crash which side may run the guest. Default:"
              + " $XDG_STATE_HOME/vferry/journal.")
  private @Nullable Path journal;

  Path journalDirectory() {
    return journal == null ? StateDirectory.of(System.getenv()).resolve("journal") : journal;
  }

  DriverOptions drivers() {
    return drivers;
  }

  Vferry runtime() throws CommandException {
    return Vferry.builder()
        .driverDirectories(drivers.directories())
        .journalDirectory(journalDirectory())
        .build();
  }
}
