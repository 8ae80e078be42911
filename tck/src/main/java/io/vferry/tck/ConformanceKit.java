package io.vferry.tck;

import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.SpiLevel;
import io.vferry.spi.error.MigrationException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Runs the checks on a subject. One thread at a time. */
public final class ConformanceKit {

  private final Subject subject;
  private final Limits limits;
  private final ScriptRunner runner;
  private @Nullable Facts facts;
  private @Nullable Failure last;

  /** Makes a kit; nothing is opened yet. */
  public ConformanceKit(Subject subject, Limits limits) {
    this.subject = subject;
    this.limits = limits;
    this.runner = new ScriptRunner(subject, limits);
  }

  /** Returns all checks, in the order in which they run. */
  public static List<Check> checks() {
    return Stream.of(
            DriverChecks.all(),
            StateChecks.all(),
            ArcChecks.all(),
            ResetChecks.all(),
            StreamChecks.all(),
            LoadChecks.all(),
            CompatibilityChecks.all(),
            MoveChecks.all(),
            CancelChecks.all(),
            TrafficChecks.all(),
            DirtyChecks.all(),
            SizeChecks.all(),
            ResourceChecks.all(),
            ConcurrencyChecks.all(),
            ExceptionChecks.all())
        .flatMap(List::stream)
        .toList();
  }

  /** Returns the version of the kit, with the version of the driver interface it knows. */
  public static String version() {
    String version =
        Optional.ofNullable(ConformanceKit.class.getPackage().getImplementationVersion())
            .orElse("development");
    return "%s for SPI %d.%d".formatted(version, SpiLevel.MAJOR, SpiLevel.MINOR);
  }

  /**
   * Runs one check.
   *
   * @throws MigrationException if the device cannot even be opened and attached
   */
  public CheckResult run(Check check) throws MigrationException {
    Facts known = facts();
    Optional<String> missing = check.missing(known);
    if (missing.isPresent()) {
      return new CheckResult(check, Verdict.NOT_APPLICABLE, missing.get(), List.of(), 0);
    }
    List<Script> scripts = check.scripts(known);
    if (scripts.isEmpty()) {
      return new CheckResult(
          check, Verdict.NOT_APPLICABLE, "the device has nothing to try it on", List.of(), 0);
    }
    int tried = 0;
    for (Script script : scripts) {
      tried++;
      Optional<Failure> failure = runner.run(script);
      if (failure.isPresent()) {
        Failure shortest = new Shrinker(runner).shrink(failure.get());
        last = shortest;
        return new CheckResult(
            check, Verdict.FAILED, shortest.reason(), Shrinker.texts(shortest), tried);
      }
    }
    return new CheckResult(check, Verdict.PASSED, "", List.of(), tried);
  }

  /** Returns the last failure, for the kit's own tests. */
  Optional<Failure> lastFailure() {
    return Optional.ofNullable(last);
  }

  /**
   * Runs all checks.
   *
   * @param device how the report calls the device
   * @param progress is told each result at once
   * @throws MigrationException if the device cannot even be opened and attached
   */
  public ConformanceReport runAll(String device, Consumer<CheckResult> progress)
      throws MigrationException {
    DriverInfo driver = subject.driver().info();
    List<CheckResult> results = new ArrayList<>();
    for (Check check : checks()) {
      CheckResult result = run(check);
      results.add(result);
      progress.accept(result);
    }
    return new ConformanceReport(driver, device, version(), results);
  }

  private synchronized Facts facts() throws MigrationException {
    Facts known = facts;
    if (known == null) {
      try {
        known = Facts.of(subject, limits);
      } catch (Violation e) {
        throw new MigrationException(
            io.vferry.spi.error.DeviceError.DRIVER_BROKEN,
            "the device cannot be tried at all: " + e.getMessage(),
            e);
      }
      facts = known;
    }
    return known;
  }
}
