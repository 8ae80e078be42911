package io.vferry.tck;

import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.state.Arc;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * The kit as JUnit tests. Extend it, say what the driver is and how a fresh device is made, and run
 * it with the other tests; each check is a test, and one that does not apply is skipped with the
 * reason.
 */
public abstract class ConformanceTest implements Subject {

  /** For subclasses. */
  protected ConformanceTest() {}

  /** {@inheritDoc} A new instance each time, or always the same. */
  @Override
  public abstract MigrationDriver driver();

  @Override
  public abstract HostDevice open(OpenContext context) throws MigrationException;

  @Override
  public boolean model() {
    return true;
  }

  @Override
  public boolean checksummed() {
    return true;
  }

  @Override
  public boolean tellsState() {
    return true;
  }

  @Override
  public Optional<HostDevice> openForeign(OpenContext context) throws MigrationException {
    return Optional.empty();
  }

  @Override
  public Optional<HostDevice> openNewer(OpenContext context) throws MigrationException {
    return Optional.empty();
  }

  @Override
  public List<byte[]> earlierStreams() {
    return List.of();
  }

  @Override
  public Optional<HostDevice> openRefusing(Arc arc, OpenContext context) throws MigrationException {
    return Optional.empty();
  }

  /** Returns what bounds the run. */
  protected Limits limits() {
    return Limits.standard();
  }

  /** Gives one container for each chapter with one test for each check. */
  @TestFactory
  final Stream<DynamicNode> conformance() {
    ConformanceKit kit = new ConformanceKit(this, limits());
    List<Check> checks = ConformanceKit.checks();
    return Arrays.stream(Chapter.values())
        .map(
            chapter ->
                DynamicContainer.dynamicContainer(
                    chapter.title(),
                    checks.stream()
                        .filter(check -> check.chapter() == chapter)
                        .map(check -> test(kit, check))));
  }

  private static DynamicTest test(ConformanceKit kit, Check check) {
    return DynamicTest.dynamicTest(
        check.id(),
        () -> {
          CheckResult result = kit.run(check);
          switch (result.verdict()) {
            case PASSED -> {}
            case FAILED -> Assertions.fail(result.explanation());
            case NOT_APPLICABLE -> Assumptions.abort("not applicable: " + result.reason());
          }
        });
  }
}
