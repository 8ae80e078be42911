package io.vferry.cli;

import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.discovery.Discovery;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.tck.CheckResult;
import io.vferry.tck.ConformanceKit;
import io.vferry.tck.ConformanceReport;
import io.vferry.tck.Limits;
import io.vferry.tck.Verdict;
import io.vferry.tck.report.ConformanceHtml;
import io.vferry.tck.report.ConformanceJson;
import io.vferry.tck.report.ConformanceLine;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
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

/** Runs the conformance kit on a driver. */
@Command(
    name = "tck",
    header = "checks that a driver keeps its promises",
    customSynopsis = "vferry tck --device ADDRESS [--drivers DIR]... [--report DIR] [OPTION...]",
    description = {
      "Puts a device through everything that its driver promises: each state and arc, failures,"
          + " resets, damaged data, moves with a guest at work. A promise that is broken is shown"
          + " with the shortest sequence that breaks it. What the device does not claim is not"
          + " applicable, never passed.",
      "",
      "The device is reset many times and loses its state: name none that is in use."
    },
    footerHeading = "%nExamples%n",
    footer = {
      "  vferry tck --device 'sim:mlx5?state=1MiB' --foreign 'sim:virtio?state=1MiB'",
      "  vferry tck --drivers ./target --device sim:my-model --report ./conformance"
    })
final class TckCommand implements VferryCommand {

  @Option(
      names = "--device",
      paramLabel = "ADDRESS",
      required = true,
      description = "The device to try the driver on.")
  private String device = "";

  @Option(
      names = "--driver",
      paramLabel = "ID",
      description = "The driver to check, if several serve the device.")
  private @Nullable String driver;

  @Option(
      names = "--foreign",
      paramLabel = "ADDRESS",
      description = "A device of the same driver whose state --device must refuse.")
  private @Nullable String foreign;

  @Option(
      names = "--newer",
      paramLabel = "ADDRESS",
      description = "A newer device of the same driver whose state --device must refuse.")
  private @Nullable String newer;

  @Option(
      names = "--refusing",
      paramLabel = "ADDRESS",
      description =
          "A device whose hardware refuses one arc once; '{arc}' in the address stands for the name"
              + " of the arc.")
  private @Nullable String refusing;

  @Option(
      names = "--earlier",
      paramLabel = "FILE",
      description =
          "A whole stream that an earlier version of the driver wrote and that --device must take."
              + " May be given several times.")
  private List<Path> earlier = List.of();

  @Option(
      names = "--no-checksums",
      description = "The driver's format has no checksums, so bits are not flipped.")
  private boolean noChecksums;

  @Option(
      names = "--driver-keeps-state",
      description =
          "Only the driver knows the state of the device, so a second driver is not asked for it.")
  private boolean driverKeepsState;

  @Option(
      names = "--report",
      paramLabel = "DIR",
      description =
          "Write conformance.html, conformance.json and conformance.md, the line for a README, into"
              + " this directory.")
  private @Nullable Path report;

  @Mixin private DriverOptions drivers = new DriverOptions();

  @Mixin private CommonOptions common = new CommonOptions();

  @Override
  public CommonOptions common() {
    return common;
  }

  @Override
  public Set<ExitCode> exitCodes() {
    return EnumSet.of(
        ExitCode.OK, ExitCode.INTERNAL, ExitCode.USAGE, ExitCode.REFUSED, ExitCode.BROKEN);
  }

  @Override
  public Integer call() throws CommandException, MigrationException {
    common.startLogging();
    Catalogue catalogue = Discovery.discover(drivers.directories());
    DeviceAddress address = address("--device", device);
    MigrationDriver chosen =
        CatalogueSubject.choose(catalogue, address, Optional.ofNullable(driver));
    CatalogueSubject subject =
        new CatalogueSubject(
            catalogue,
            chosen,
            address,
            optional("--foreign", foreign),
            optional("--newer", newer),
            Optional.ofNullable(refusing),
            earlierStreams(),
            !noChecksums,
            !driverKeepsState);
    PrintWriter out = common.out();
    PrintWriter err = common.err();
    ConformanceKit kit = new ConformanceKit(subject, Limits.standard());
    ConformanceReport results =
        kit.runAll(
            address.toString(),
            result -> {
              if (!common.json()) {
                tell(out, result);
              } else if (result.verdict() == Verdict.FAILED) {
                err.println(result.explanation());
              }
            });
    write(results);
    out.println(common.json() ? ConformanceJson.of(results) : "\n" + ConformanceLine.of(results));
    return (results.conforms() ? ExitCode.OK : ExitCode.BROKEN).number();
  }

  private static void tell(PrintWriter out, CheckResult result) {
    switch (result.verdict()) {
      case PASSED -> out.println("passed          " + result.check().id());
      case NOT_APPLICABLE ->
          out.println("not applicable  " + result.check().id() + ": " + result.reason());
      case FAILED -> out.println("FAILED          " + result.explanation().indent(16).strip());
    }
  }

  private List<byte[]> earlierStreams() throws CommandException {
    List<byte[]> streams = new ArrayList<>();
    for (Path file : earlier) {
      try {
        streams.add(Files.readAllBytes(file));
      } catch (IOException e) {
        throw new CommandException(
            ExitCode.USAGE, "vferry: --earlier: " + file + " cannot be read: " + e, e);
      }
    }
    return streams;
  }

  private static Optional<DeviceAddress> optional(String option, @Nullable String text)
      throws CommandException {
    return text == null ? Optional.empty() : Optional.of(address(option, text));
  }

  static DeviceAddress address(String option, String text) throws CommandException {
    try {
      return DeviceAddress.parse(text);
    } catch (IllegalArgumentException e) {
      throw new CommandException(ExitCode.USAGE, "vferry: " + option + ": " + e.getMessage(), e);
    }
  }

  private void write(ConformanceReport results) throws CommandException {
    if (report == null) {
      return;
    }
    try {
      Files.createDirectories(report);
      Files.writeString(report.resolve("conformance.html"), ConformanceHtml.of(results));
      Files.writeString(report.resolve("conformance.json"), ConformanceJson.of(results));
      Files.writeString(report.resolve("conformance.md"), ConformanceLine.of(results) + "\n");
    } catch (IOException e) {
      throw new CommandException(
          ExitCode.INTERNAL, "vferry: the report cannot be written to " + report + ": " + e, e);
    }
  }
}
