package io.vferry.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.vferry.cli.manifest.ManifestException;
import io.vferry.cli.manifest.ManifestFile;
import io.vferry.cli.output.JsonText;
import io.vferry.cli.output.PlanText;
import io.vferry.runtime.Vferry;
import io.vferry.runtime.plan.Blocker;
import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.plan.Plan;
import io.vferry.runtime.report.HtmlReport;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.Phase;
import io.vferry.runtime.transport.Security;
import io.vferry.spi.error.MigrationException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Moves a virtual machine. */
@Command(
    name = "migrate",
    header = "moves a virtual machine with its devices to another host",
    customSynopsis = {
      "vferry migrate MANIFEST [OPTION...]",
      "  vferry migrate MANIFEST --to HOST:PORT (--tls DIR | --plain) [OPTION...]"
    },
    description = {
      "Moves the virtual machine of the manifest, its memory and the state of its devices, to the"
          + " 'vferry receive' that listens at HOST:PORT. Without --to a destination is started on"
          + " this host, in a process of its own, over TLS with throw-away keys; that is how to try"
          + " a manifest with simulated devices.",
      "",
      "While data move, progress is shown on standard error: on a terminal a view that is drawn anew,"
          + " elsewhere a line now and then. At the end there is a table on standard output, and a"
          + " timeline as one HTML file.",
      "",
      "Until the destination has everything and has proved it, any failure and Ctrl-C leave the guest"
          + " running at the source.",
      "",
      "With '--output json' there is exactly one object, at the end: 'status', 'total-time',"
          + " 'setup-time', 'expected-downtime' with its bounds '-least' and '-most', 'downtime',"
          + " 'ram', 'vfio', 'timeline', 'devices', 'audit', and 'error-desc' if it failed. Names follow QEMU's query-migrate; times are"
          + " in milliseconds, sizes in bytes."
    },
    footerHeading = "%nExamples%n",
    footer = {
      "  vferry migrate examples/mixed-vm.yaml",
      "  vferry migrate vm.yaml --to dest.example:4444 --tls /etc/vferry/tls",
      "  vferry migrate vm.yaml --report /tmp/timeline.html --output json | jq .downtime"
    })
final class MigrateCommand extends MigrationCommand {

  @Mixin private ManifestOptions manifest = new ManifestOptions();

  @Option(
      names = "--to",
      paramLabel = "HOST:PORT",
      converter = HostPort.Converter.class,
      description = "Where 'vferry receive' listens.")
  private @Nullable HostPort to;

  @Mixin private SecurityOptions security = new SecurityOptions();

  @Option(
      names = "--report",
      paramLabel = "FILE",
      description =
          "Write the HTML timeline there. Default: a new file in $XDG_STATE_HOME/vferry/reports.")
  private @Nullable Path report;

  @Mixin private RuntimeOptions runtime = new RuntimeOptions();

  @Mixin private CommonOptions common = new CommonOptions();

  MigrateCommand(Interruption interruption) {
    super(interruption);
  }

  @Override
  public CommonOptions common() {
    return common;
  }

  @Override
  public Integer call() throws Exception {
    common.startLogging();
    if (to == null && security.given()) {
      throw common.usageError("--tls, --plain and --peer-name are only of use with --to");
    }
    ManifestFile file = manifest.read();
    if (to != null) {
      Security protection = security.security(Optional.of(to.host()), "--to");
      InetSocketAddress address = to.resolve("--to");
      return migrate(file, vferry -> run(vferry, file.manifest(), address, protection, () -> {}));
    }
    // From here on there is something to tidy up.
    interruption().means(() -> {});
    // Begun first, because it takes about as long as discovery and plan.
    try (ThrowAwayKeys keys = ThrowAwayKeys.begin()) {
      return migrate(file, vferry -> here(vferry, file, keys));
    } catch (IOException | CommandException e) {
      // A terminal sends Ctrl-C to the processes that were started here as well.
      if (interruption().requested()) {
        throw new CommandException(
            ExitCode.CANCELLED, "vferry: cancelled before the migration began", e);
      }
      throw e;
    }
  }

  /** A way to a destination. */
  @FunctionalInterface
  private interface Way {
    MigrationReport go(Vferry vferry) throws CommandException, IOException, InterruptedException;
  }

  private int migrate(ManifestFile file, Way way)
      throws CommandException,
          IOException,
          InterruptedException,
          ManifestException,
          MigrationException {
    Vferry vferry = runtime.runtime();
    ManifestNames.check(file, vferry.catalogue());
    Path timeline = reserveTimeline(file.manifest().vm().name());
    Plan plan = vferry.plan(file.manifest());
    if (!plan.possible()) {
      Files.deleteIfExists(timeline);
      return blocked(plan);
    }
    MigrationReport migrated = way.go(vferry);
    Files.writeString(timeline, HtmlReport.of(migrated));
    if (!common.json()) {
      common.out().println();
    }
    print(migrated, Optional.of(timeline));
    return exitCode(migrated).number();
  }

  /** Finds out before anything happens whether the report can be written. */
  private Path reserveTimeline(String vm) throws CommandException {
    Path file = report == null ? defaultTimeline(vm) : report.toAbsolutePath();
    try {
      if (report == null) {
        Files.createDirectories(file.getParent());
      }
      return Files.writeString(file, "");
    } catch (IOException e) {
      throw new CommandException(
          ExitCode.USAGE, "vferry: --report: '" + file + "' cannot be written", e);
    }
  }

  private static Path defaultTimeline(String vm) {
    String time =
        DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss-SSS", Locale.ROOT)
            .format(LocalDateTime.now(ZoneId.systemDefault()));
    String name = vm.replaceAll("[^A-Za-z0-9_.-]", "_");
    return StateDirectory.of(System.getenv())
        .resolve("reports")
        .resolve(name + "-" + time + ".html");
  }

  private MigrationReport here(Vferry vferry, ManifestFile file, ThrowAwayKeys keys)
      throws CommandException, IOException, InterruptedException {
    keys.await();
    ReceiverProcess receiver =
        ReceiverProcess.start(
            file.path(),
            keys.destination(),
            runtime.journalDirectory(),
            runtime.drivers().directories());
    MigrationReport migrated;
    try (receiver) {
      Security protection = new Security.Tls(keys.source(), Optional.of("127.0.0.1"));
      // Whatever happens to this process afterwards, no key is left behind.
      migrated = run(vferry, file.manifest(), receiver.address(), protection, keys::close);
    }
    if (migrated.status() != Phase.COMPLETED || common.verbose) {
      receiver.complaints().forEach(line -> common.err().println("destination: " + line));
    }
    return migrated;
  }

  private MigrationReport run(
      Vferry vferry,
      Manifest what,
      InetSocketAddress address,
      Security protection,
      Runnable connected)
      throws InterruptedException {
    AtomicBoolean setUp = new AtomicBoolean();
    return watch(
        what,
        progress ->
            vferry.migrate(
                what,
                address,
                protection,
                status -> {
                  if (status.phase() != Phase.SETUP && setUp.compareAndSet(false, true)) {
                    connected.run();
                  }
                  progress.progress(status);
                }),
        migration -> interruption().means(migration::cancel));
  }

  private int blocked(Plan plan) {
    if (common.json()) {
      common.out().println(JsonText.of(json -> writeBlocked(json, plan)));
    }
    common.err().println("vferry: " + plan.vm() + " cannot be moved:");
    for (Blocker blocker : plan.blockers()) {
      common.err().println("  " + PlanText.blocker(blocker));
    }
    return ExitCode.REFUSED.number();
  }

  private static void writeBlocked(JsonGenerator json, Plan plan) throws IOException {
    List<String> reasons = plan.blockers().stream().map(Blocker::reason).toList();
    json.writeStartObject();
    json.writeStringField("vm", plan.vm());
    json.writeStringField("status", "none");
    json.writeStringField("error-desc", String.join("; ", reasons));
    json.writeArrayFieldStart("blocked-reasons");
    for (String reason : reasons) {
      json.writeString(reason);
    }
    json.writeEndArray();
    json.writeEndObject();
  }
}
