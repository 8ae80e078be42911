package io.vferry.cli.output;

import io.vferry.runtime.report.ExpectedDowntime;
import io.vferry.runtime.report.Figure;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.Phase;
import io.vferry.runtime.report.TimelineSpan;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;

/** Prints a migration that has ended, for people. */
public final class ReportText {

  private static final int WIDTH = 79;

  private ReportText() {}

  /**
   * Returns the lines.
   *
   * @param timeline the file with the HTML timeline, if one was written
   */
  public static List<String> lines(MigrationReport report, Optional<Path> timeline) {
    List<String> lines = new ArrayList<>();
    lines.add(headline(report));
    report.failure().ifPresent(failure -> addFailure(lines, failure));
    lines.add("");
    addTransfers(lines, report);
    addPhases(lines, report);
    lines.add("");
    addFigure(
        lines,
        "expected-downtime",
        report.expectedDowntime().map(ExpectedDowntime::toString).orElse("not known"));
    addFigure(lines, "downtime", time(report.downtimeMillis()));
    addFigure(lines, "total-time", Figure.millis(report.totalTimeMillis()));
    addFigure(lines, "setup-time", Figure.millis(report.setupTimeMillis()));
    report.audit().ifPresent(verdict -> addAudit(lines, verdict.counts(), verdict.violations()));
    timeline.ifPresent(file -> addFigure(lines, "timeline", file.toString()));
    return lines;
  }

  private static String headline(MigrationReport report) {
    String time = Figure.millis(report.totalTimeMillis());
    if (report.status() == Phase.COMPLETED) {
      return report.vm() + " was moved in " + time + ".";
    }
    if (report.status() == Phase.CANCELLED) {
      return report.vm() + " was not moved: cancelled after " + time + ".";
    }
    return report.vm() + " was not moved: failed after " + time + ".";
  }

  private static void addFailure(List<String> lines, MigrationReport.Failure failure) {
    String device = failure.device().map(id -> "device " + id + ": ").orElse("");
    lines.addAll(wrap("", device + failure.message()));
    lines.add(
        failure.sourceRuns()
            ? "The guest runs on at the source."
            : "The guest does not run at the source.");
  }

  private static void addTransfers(List<String> lines, MigrationReport report) {
    lines.add(transfer("device", "driver", "pre-copy", "stop-copy", "arcs"));
    for (MigrationReport.Device device : report.devices()) {
      double arcMillis = device.arcs().stream().mapToDouble(MigrationReport.ArcTime::millis).sum();
      lines.add(
          transfer(
              device.id(),
              device.driver(),
              Figure.bytes(device.precopyBytes()),
              Figure.bytes(device.transferredBytes() - device.precopyBytes()),
              device.arcs().isEmpty() ? "" : Figure.millis(arcMillis)));
      List<String> arcs = new ArrayList<>();
      device.arcs().forEach(arc -> arcs.add(arc.arc() + " " + Figure.millis(arc.millis())));
      lines.addAll(wrapItems("    ", arcs));
    }
    MigrationReport.Ram ram = report.ram();
    if (ram.totalBytes() > 0) {
      lines.add(
          transfer(
              "memory",
              ram.dirtySyncCount() + (ram.dirtySyncCount() == 1 ? " round" : " rounds"),
              Figure.bytes(ram.precopyBytes()),
              Figure.bytes(ram.downtimeBytes()),
              ""));
    }
  }

  private static String transfer(
      String name, String driver, String precopy, String stopCopy, String arcs) {
    return "%-24s %-16s %11s %11s %11s"
        .formatted(name, driver, precopy, stopCopy, arcs)
        .stripTrailing();
  }

  private static void addPhases(List<String> lines, MigrationReport report) {
    List<TimelineSpan> phases =
        report.timeline().stream().filter(s -> s.kind() == TimelineSpan.Kind.PHASE).toList();
    if (phases.isEmpty()) {
      return;
    }
    lines.add("");
    lines.add("%-24s %16s %11s".formatted("phase", "began", "took"));
    for (TimelineSpan phase : phases) {
      lines.add(
          "%-24s %16s %11s"
              .formatted(
                  phase.name(),
                  Figure.millis(phase.startMillis()),
                  Figure.millis(phase.endMillis() - phase.startMillis())));
    }
  }

  private static void addAudit(
      List<String> lines, Map<String, Long> counts, List<String> violations) {
    List<String> parts = new ArrayList<>();
    new TreeMap<>(counts).forEach((name, number) -> parts.add(number + " " + name));
    if (violations.isEmpty()) {
      addFigure(lines, "audit", "nothing lost: " + String.join(", ", parts));
      return;
    }
    addFigure(lines, "audit", "FAILED, " + violations.size() + " violations");
    violations.forEach(violation -> lines.addAll(wrap("    ", violation)));
  }

  private static void addFigure(List<String> lines, String name, String value) {
    List<String> wrapped = wrap(" ".repeat(19), value);
    lines.add("%-18s %s".formatted(name, wrapped.get(0).strip()));
    lines.addAll(wrapped.subList(1, wrapped.size()));
  }

  private static String time(OptionalDouble millis) {
    return millis.isPresent() ? Figure.millis(millis.getAsDouble()) : "not known";
  }

  private static List<String> wrap(String indent, String text) {
    return fill(indent, List.of(text.split(" ")), " ");
  }

  private static List<String> wrapItems(String indent, List<String> items) {
    return items.isEmpty() ? List.of() : fill(indent, items, ", ");
  }

  private static List<String> fill(String indent, List<String> pieces, String separator) {
    List<String> lines = new ArrayList<>();
    StringBuilder line = new StringBuilder();
    for (String piece : pieces) {
      int needed = indent.length() + line.length() + separator.length() + piece.length() + 1;
      if (line.length() > 0 && needed > WIDTH) {
        lines.add(indent + line.append(separator).toString().stripTrailing());
        line.setLength(0);
      }
      line.append(line.length() > 0 ? separator : "").append(piece);
    }
    lines.add(indent + line);
    return lines;
  }
}
