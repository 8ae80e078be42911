package io.vferry.tck.report;

import io.vferry.tck.ConformanceReport;
import io.vferry.tck.Verdict;

/** The result in one line of Markdown, for a README. */
public final class ConformanceLine {

  private ConformanceLine() {}

  /** Returns the line, without a line break. */
  public static String of(ConformanceReport report) {
    return "vferry conformance: **%s** %s %s on `%s`: %d passed, %d failed, %d not applicable (kit %s)"
        .formatted(
            report.conforms() ? "conforms" : "does not conform",
            report.driver().id(),
            report.driver().version(),
            report.device().replace('`', '\''),
            report.count(Verdict.PASSED),
            report.count(Verdict.FAILED),
            report.count(Verdict.NOT_APPLICABLE),
            report.kitVersion());
  }
}
