package io.vferry.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** Where drivers are looked for, besides the module path. */
final class DriverOptions {

  @Option(
      names = "--drivers",
      paramLabel = "DIR",
      description =
          "A directory of driver jars; each jar, and each sub-directory of jars, is loaded apart"
              + " from the others. May be given several times.")
  private List<Path> directories = new ArrayList<>();

  /** Returns the directories, which exist. */
  List<Path> directories() throws CommandException {
    for (Path directory : directories) {
      if (!Files.isDirectory(directory)) {
        throw new CommandException(
            ExitCode.USAGE, "vferry: --drivers: '" + directory + "' is no directory");
      }
    }
    return List.copyOf(directories);
  }
}
