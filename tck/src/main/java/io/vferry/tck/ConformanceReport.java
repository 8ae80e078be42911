package io.vferry.tck;

import io.vferry.spi.driver.DriverInfo;
import java.util.List;

/**
 * The results of a run of the kit.
 *
 * @param driver who was tested
 * @param device on what, an address or a name
 * @param kitVersion of the kit
 * @param results one for each check, in the order of the kit
 */
public record ConformanceReport(
    DriverInfo driver, String device, String kitVersion, List<CheckResult> results) {

  /** Creates a report; the results are copied. */
  public ConformanceReport {
    results = List.copyOf(results);
  }

  /** Returns how many checks ended in a verdict. */
  public int count(Verdict verdict) {
    return (int) results.stream().filter(result -> result.verdict() == verdict).count();
  }

  /** Whether no check failed, and at least one passed. */
  public boolean conforms() {
    return count(Verdict.FAILED) == 0 && count(Verdict.PASSED) > 0;
  }
}
