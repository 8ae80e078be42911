package io.vferry.cli;

import io.vferry.cli.manifest.ManifestException;
import io.vferry.cli.manifest.ManifestFile;
import io.vferry.cli.manifest.ManifestReader;
import java.nio.file.Path;
import picocli.CommandLine.Parameters;

/** The manifest that a command works on. */
final class ManifestOptions {

  @Parameters(
      paramLabel = "MANIFEST",
      description = "A YAML file that describes the virtual machine and its devices.")
  private Path path = Path.of("");

  ManifestFile read() throws ManifestException {
    return ManifestReader.read(path);
  }
}
