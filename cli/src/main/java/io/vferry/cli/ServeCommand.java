package io.vferry.cli;

import io.vferry.spi.error.MigrationException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Serves devices to other programs over vfio-user. */
@Command(
    name = "serve",
    header = "lets other programs use a device, over vfio-user",
    customSynopsis = "vferry serve MODEL --socket PATH [MODEL --socket PATH]... [OPTION...]",
    description = {
      "Opens a device and serves it at a socket in the file system to one client at a time: this"
          + " project's own ('vfio-user:PATH' in a manifest), QEMU's, or any other that speaks the"
          + " protocol. The client reaches regions, interrupts and DMA, and migrates the device"
          + " without knowing its driver: the driver runs here.",
      "",
      "When a client leaves, or dies, the device is reset, and the next can come. Several devices"
          + " of one process can have parts in common, such as the functions of one card.",
      "",
      "Says first what is served where, then who comes and what is done, until Ctrl-C. With"
          + " '--output json' each of these is an object on a line of its own."
    },
    footerHeading = "%nExamples%n",
    footer = {
      "  vferry serve mlx5 --socket /tmp/nic0.sock",
      "  vferry serve 'mlx5-vf?state=32MiB' --socket /tmp/vf0.sock --output json",
      "  vferry serve virtio --raw --socket /tmp/net.sock"
    })
final class ServeCommand implements VferryCommand {

  private final Interruption interruption;

  @Parameters(
      arity = "1..*",
      paramLabel = "MODEL",
      description =
          "What to serve: the name of a device model with its parameters, such as"
              + " 'mlx5?state=1MiB', or any address that 'vferry devices' lists.")
  private List<String> models = new ArrayList<>();

  @Option(
      names = "--socket",
      paramLabel = "PATH",
      required = true,
      description =
          "Where clients connect; only this user can. One for each MODEL, in the same order.")
  private List<Path> sockets = new ArrayList<>();

  @Option(
      names = "--driver",
      paramLabel = "ID",
      description = "The driver that migrates the devices, if several serve them.")
  private @Nullable String driver;

  @Option(
      names = "--raw",
      description =
          "Serve the devices without migration, for clients that run a driver of their own over the"
              + " regions.")
  private boolean raw;

  @Mixin private ServeOptions protocol = new ServeOptions();

  @Mixin private DriverOptions drivers = new DriverOptions();

  @Mixin private CommonOptions common = new CommonOptions();

  ServeCommand(Interruption interruption) {
    this.interruption = interruption;
  }

  @Override
  public CommonOptions common() {
    return common;
  }

  @Override
  public Set<ExitCode> exitCodes() {
    return EnumSet.of(ExitCode.OK, ExitCode.INTERNAL, ExitCode.USAGE, ExitCode.REFUSED);
  }

  @Override
  public Integer call() throws CommandException, MigrationException, InterruptedException {
    common.startLogging();
    if (models.size() != sockets.size()) {
      throw common.usageError(
          "%d devices, but %d sockets; each device needs one"
              .formatted(models.size(), sockets.size()));
    }
    Serving serving =
        new Serving(common, Optional.ofNullable(driver), raw, protocol.settings(), interruption);
    serving.run(drivers.directories(), models, sockets);
    return ExitCode.OK.number();
  }
}
