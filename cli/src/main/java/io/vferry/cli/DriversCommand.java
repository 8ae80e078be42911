package io.vferry.cli;

import io.vferry.cli.output.CatalogueJson;
import io.vferry.cli.output.CatalogueText;
import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.discovery.Discovery;
import java.io.PrintWriter;
import java.util.EnumSet;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Prints what was found. */
@Command(
    name = "drivers",
    header = "shows the drivers that were found, and why others were not",
    customSynopsis = "vferry drivers [--drivers DIR]... [OPTION...]",
    description = {
      "Looks on the module path and in the directories named with --drivers. What looks like a"
          + " service but cannot be used (a damaged jar, one built for a newer vferry, two drivers"
          + " of one name) is listed with the reason; it never hides the others."
    },
    footerHeading = "%nExamples%n",
    footer = {
      "  vferry drivers",
      "  vferry drivers --drivers /usr/lib/vferry/drivers --output json"
    })
final class DriversCommand implements VferryCommand {

  @Mixin private DriverOptions drivers = new DriverOptions();

  @Mixin private CommonOptions common = new CommonOptions();

  @Override
  public CommonOptions common() {
    return common;
  }

  @Override
  public Set<ExitCode> exitCodes() {
    return EnumSet.of(ExitCode.OK, ExitCode.INTERNAL, ExitCode.USAGE);
  }

  @Override
  public Integer call() throws CommandException {
    common.startLogging();
    Catalogue catalogue = Discovery.discover(drivers.directories());
    PrintWriter out = common.out();
    if (common.json()) {
      out.println(CatalogueJson.of(catalogue));
    } else {
      CatalogueText.lines(catalogue, common.verbose).forEach(out::println);
    }
    return ExitCode.OK.number();
  }
}
