package io.vferry.cli;

import io.vferry.cli.manifest.ManifestFile;
import io.vferry.cli.output.PlanJson;
import io.vferry.cli.output.PlanText;
import io.vferry.runtime.Vferry;
import io.vferry.runtime.plan.Plan;
import java.io.PrintWriter;
import java.util.EnumSet;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Says whether and how a virtual machine can be moved. */
@Command(
    name = "plan",
    header = "says whether a virtual machine can be moved, and how",
    customSynopsis = "vferry plan MANIFEST [--drivers DIR]... [OPTION...]",
    description = {
      "Opens the devices of the manifest on this host, asks them questions that change nothing, and"
          + " closes them. Prints for each device its driver and the path of states that it will"
          + " take on both sides, what is done about devices that do DMA to each other, and all"
          + " blockers with their reasons. Nothing is moved.",
      "",
      "With '--output json' the answer is one object; 'possible' is the verdict and"
          + " 'blocked-reasons' is empty if the virtual machine can be moved."
    },
    footerHeading = "%nExamples%n",
    footer = {
      "  vferry plan examples/mixed-vm.yaml",
      "  vferry plan vm.yaml --output json | jq .possible"
    })
final class PlanCommand implements VferryCommand {

  @Mixin private ManifestOptions manifest = new ManifestOptions();

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
  public Integer call() throws Exception {
    common.startLogging();
    ManifestFile file = manifest.read();
    Vferry vferry = Vferry.builder().driverDirectories(drivers.directories()).build();
    ManifestNames.check(file, vferry.catalogue());
    Plan plan = vferry.plan(file.manifest());
    PrintWriter out = common.out();
    if (common.json()) {
      out.println(PlanJson.of(plan));
    } else {
      PlanText.lines(plan, common.verbose).forEach(out::println);
    }
    return (plan.possible() ? ExitCode.OK : ExitCode.REFUSED).number();
  }
}
