package io.vferry.cli;

import java.util.EnumSet;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** The commands for those who come from the first migration interface. */
@Command(
    name = "v1",
    header = "helps to move code from the migration interface of Linux 5.8",
    customSynopsis = "vferry v1 COMMAND [OPTION...]",
    description = {
      "Linux 5.8 to 5.17 migrated devices through a region of the device, called v1; Linux 5.18"
          + " replaced it by states and streams, called v2."
    },
    footerHeading = "%nExamples%n",
    footer = "  $ vferry v1 translate qemu.trace",
    subcommands = V1TranslateCommand.class)
final class V1Command implements VferryCommand {

  @Mixin private CommonOptions common = new CommonOptions();

  @Override
  public CommonOptions common() {
    return common;
  }

  @Override
  public Set<ExitCode> exitCodes() {
    return EnumSet.of(ExitCode.OK, ExitCode.USAGE);
  }

  @Override
  public Integer call() {
    throw common.usageError("which command? there is 'translate'");
  }
}
