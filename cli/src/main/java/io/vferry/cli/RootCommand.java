package io.vferry.cli;

import java.util.EnumSet;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The command without a sub-command. */
@Command(
    name = "vferry",
    header = "moves a running virtual machine with its VFIO devices to another host",
    customSynopsis = "vferry COMMAND [OPTION...]",
    description = {
      "A manifest, a YAML file, says what the virtual machine is and which devices it has."
          + " 'vferry plan' tells whether it can be moved and how; 'vferry migrate' moves it.",
      "",
      "'vferry COMMAND --help' describes a command."
    },
    footerHeading = "%nExamples%n",
    footer = {
      "  Try it without any hardware, with simulated devices and two processes:",
      "    vferry migrate examples/mixed-vm.yaml",
      "",
      "  Between two hosts, on the destination first:",
      "    vferry receive vm.yaml --listen 0.0.0.0:4444 --tls /etc/vferry/tls",
      "    vferry migrate vm.yaml --to dest.example:4444 --tls /etc/vferry/tls"
    },
    subcommands = {
      DriversCommand.class,
      DevicesCommand.class,
      PlanCommand.class,
      MigrateCommand.class,
      ReceiveCommand.class,
      ServeCommand.class,
      PathCommand.class,
      TckCommand.class,
      InspectCommand.class,
      V1Command.class
    })
final class RootCommand implements VferryCommand {

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this text.")
  boolean help;

  @Option(
      names = {"-V", "--version"},
      versionHelp = true,
      description = "Show the versions of vferry and of Java.")
  boolean version;

  @Override
  public CommonOptions common() {
    return new CommonOptions();
  }

  @Override
  public Set<ExitCode> exitCodes() {
    return EnumSet.allOf(ExitCode.class);
  }

  @Override
  public Integer call() throws CommandException {
    throw new CommandException(ExitCode.USAGE, "vferry: which command? 'vferry --help' lists them");
  }
}
