package io.vferry.cli;

import io.vferry.cli.output.LiveProgress;
import io.vferry.cli.output.ReportJson;
import io.vferry.cli.output.ReportText;
import io.vferry.runtime.RunningMigration;
import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.Phase;
import io.vferry.runtime.report.ProgressListener;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;

/** A command that takes part in a migration. */
abstract class MigrationCommand implements VferryCommand {

  private final Interruption interruption;

  MigrationCommand(Interruption interruption) {
    this.interruption = interruption;
  }

  @Override
  public final Set<ExitCode> exitCodes() {
    return EnumSet.complementOf(EnumSet.of(ExitCode.BROKEN));
  }

  final Interruption interruption() {
    return interruption;
  }

  /**
   * Shows how a migration goes and waits for its end.
   *
   * @param start begins it
   * @param begun is told of it once it has begun
   */
  final MigrationReport watch(
      Manifest what,
      Function<ProgressListener, RunningMigration> start,
      Consumer<RunningMigration> begun)
      throws InterruptedException {
    Terminal terminal = Terminal.ofStandardError(System.getenv());
    boolean silent = common().json() && !common().verbose;
    try (LiveProgress progress =
        LiveProgress.start(
            terminal.view(what.vm().name(), what.settings().downtimeLimitMillis()),
            terminal.interactive() && !common().verbose,
            common().err())) {
      RunningMigration migration = start.apply(silent ? status -> {} : progress);
      begun.accept(migration);
      return migration.await();
    }
  }

  /** Prints how it ended. */
  final void print(MigrationReport report, Optional<Path> timeline) {
    if (common().json()) {
      common().out().println(ReportJson.of(report, timeline));
    } else {
      ReportText.lines(report, timeline).forEach(common().out()::println);
    }
  }

  static ExitCode exitCode(MigrationReport report) {
    if (report.status() == Phase.COMPLETED) {
      return ExitCode.OK;
    }
    boolean sourceRuns = report.failure().map(MigrationReport.Failure::sourceRuns).orElse(true);
    if (!sourceRuns) {
      return ExitCode.ATTENTION;
    }
    return report.status() == Phase.CANCELLED ? ExitCode.CANCELLED : ExitCode.FAILED;
  }
}
