package io.vferry.cli;

import io.vferry.cli.output.DeviceList;
import io.vferry.runtime.discovery.Discovery;
import java.io.PrintWriter;
import java.util.EnumSet;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Prints the devices of this host. */
@Command(
    name = "devices",
    header = "shows the devices that could be migrated from this host",
    customSynopsis = "vferry devices [--drivers DIR]... [OPTION...]",
    description = {
      "Lists what the host backends offer, without opening any device: the address to write into a"
          + " manifest, and the driver that would serve it, or why none does. A simulated device"
          + " is created by naming its model, so each model is listed."
    },
    footerHeading = "%nExamples%n",
    footer = {"  vferry devices", "  vferry devices --output json"})
final class DevicesCommand implements VferryCommand {

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
    DeviceList devices = DeviceList.of(Discovery.discover(drivers.directories()));
    PrintWriter out = common.out();
    if (common.json()) {
      out.println(devices.json());
    } else {
      devices.lines().forEach(out::println);
    }
    return ExitCode.OK.number();
  }
}
