package io.vferry.runtime.report;

import io.vferry.spi.state.DeviceState;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Prints a migration as one HTML page that needs nothing else: figures, a timeline of each device,
 * of memory and of the connections with the downtime marked, and tables.
 */
public final class HtmlReport {

  private static final double ZOOM_MARGIN = 0.15;

  private final MigrationReport report;
  private final StringBuilder html = new StringBuilder(1 << 16);

  private HtmlReport(MigrationReport report) {
    this.report = report;
  }

  /** Returns the page; write it in UTF-8. */
  public static String of(MigrationReport report) {
    return new HtmlReport(report).page();
  }

  /** Makes any text harmless in HTML text and attribute values. */
  static String escape(String text) {
    StringBuilder safe = new StringBuilder(text.length() + 16);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '&' -> safe.append("&amp;");
        case '<' -> safe.append("&lt;");
        case '>' -> safe.append("&gt;");
        case '"' -> safe.append("&quot;");
        case '\'' -> safe.append("&#39;");
        default -> safe.append(Character.isISOControl(c) && c != '\n' ? '\ufffd' : c);
      }
    }
    return safe.toString();
  }

  private String page() {
    String title = "Migration of " + report.vm();
    html.append("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        .append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
        .append("<title>")
        .append(escape(title))
        .append("</title>\n<style>\n")
        .append(HtmlStyle.CSS)
        .append("</style>\n</head>\n<body>\n<h1>")
        .append(escape(title))
        .append(" ");
    String label = report.status().label();
    html.append("<span class=\"status ")
        .append(label)
        .append("\">")
        .append(label)
        .append("</span></h1>\n");
    failure();
    figures();
    timelines();
    devices();
    memory();
    phases();
    audit();
    return html.append("</body>\n</html>\n").toString();
  }

  private void failure() {
    report
        .failure()
        .ifPresent(
            failure -> {
              html.append("<p class=\"failure\"><strong>").append(escape(failure.code()));
              failure.device().ifPresent(id -> html.append(", device ").append(escape(id)));
              html.append("</strong> ")
                  .append(escape(failure.message()))
                  .append(" The guest ")
                  .append(failure.sourceRuns() ? "runs on" : "does not run")
                  .append(" at the source.</p>\n");
            });
  }

  private void figures() {
    html.append("<dl class=\"figures\">\n");
    figure("downtime", time(report.downtimeMillis()));
    figure(
        "expected-downtime", report.expectedDowntime().map(ExpectedDowntime::toString).orElse("–"));
    figure("total-time", Figure.millis(report.totalTimeMillis()));
    figure("setup-time", Figure.millis(report.setupTimeMillis()));
    figure("ram.transferred", Figure.bytes(report.ram().transferredBytes()));
    figure("vfio.transferred", Figure.bytes(report.vfioTransferredBytes()));
    html.append("</dl>\n");
  }

  private void figure(String name, String value) {
    html.append("<div><dt>").append(name).append("</dt><dd>").append(value).append("</dd></div>\n");
  }

  private static String time(OptionalDouble millis) {
    return millis.isPresent() ? Figure.millis(millis.getAsDouble()) : "–";
  }

  private void timelines() {
    List<TimelineLane> lanes = TimelineLane.of(report);
    if (lanes.isEmpty()) {
      return;
    }
    List<TimelineSpan> pauses =
        report.timeline().stream().filter(s -> s.kind() == TimelineSpan.Kind.PAUSE).toList();
    double end =
        report.timeline().stream()
            .mapToDouble(TimelineSpan::endMillis)
            .reduce(report.totalTimeMillis(), Math::max);
    html.append("<h2>Timeline</h2>\n<p class=\"legend\">")
        .append("<span class=\"phase\"></span> phase <span class=\"arc\"></span> change of state ")
        .append("<span class=\"transfer\"></span> transfer ")
        .append("<span class=\"pause\"></span> guest stands still. Point at a bar for its figures.")
        .append("</p>\n")
        .append(HtmlTimeline.draw("the whole migration", lanes, pauses, 0, end));
    if (!pauses.isEmpty()) {
      double from = pauses.stream().mapToDouble(TimelineSpan::startMillis).min().orElseThrow();
      double to = pauses.stream().mapToDouble(TimelineSpan::endMillis).max().orElseThrow();
      double margin = (to - from) * ZOOM_MARGIN;
      html.append("<h2>Downtime</h2>\n")
          .append(
              HtmlTimeline.draw(
                  "the downtime",
                  lanes,
                  pauses,
                  Math.max(0, from - margin),
                  Math.min(end, to + margin)));
    }
  }

  private void devices() {
    if (report.devices().isEmpty()) {
      return;
    }
    html.append("<h2>Devices</h2>\n<div class=\"wide\"><table>\n<thead><tr><th>device<th>driver")
        .append("<th>host<th class=\"n\">pre-copy<th class=\"n\">stop-copy<th>path")
        .append("<th class=\"n\">arcs<th>state</tr></thead>\n<tbody>\n");
    for (MigrationReport.Device device : report.devices()) {
      html.append("<tr><th scope=\"row\">")
          .append(escape(device.id()))
          .append("<td>")
          .append(escape(device.driver()))
          .append("<td><code>")
          .append(escape(device.host()))
          .append("</code>")
          .append("<td class=\"n\">")
          .append(Figure.bytes(device.precopyBytes()))
          .append("<td class=\"n\">")
          .append(Figure.bytes(device.transferredBytes() - device.precopyBytes()))
          .append("<td class=\"path\">")
          .append(device.path().stream().map(DeviceState::name).collect(Collectors.joining(" → ")))
          .append("<td class=\"n\">");
      for (MigrationReport.ArcTime arc : device.arcs()) {
        html.append("<span title=\"")
            .append(escape(arc.arc()))
            .append("\">")
            .append(Figure.millis(arc.millis()))
            .append("</span><br>");
      }
      html.append("<td>").append(device.state().name()).append("</tr>\n");
    }
    html.append("</tbody></table></div>\n");
  }

  private void memory() {
    MigrationReport.Ram ram = report.ram();
    if (ram.totalBytes() == 0 && ram.transferredBytes() == 0) {
      return;
    }
    html.append("<h2>Memory</h2>\n<dl class=\"figures\">\n");
    figure("ram.total", Figure.bytes(ram.totalBytes()));
    figure("ram.precopy-bytes", Figure.bytes(ram.precopyBytes()));
    figure("ram.downtime-bytes", Figure.bytes(ram.downtimeBytes()));
    figure("ram.dirty-sync-count", Integer.toString(ram.dirtySyncCount()));
    html.append("</dl>\n");
  }

  private void phases() {
    List<TimelineSpan> phases =
        report.timeline().stream().filter(s -> s.kind() == TimelineSpan.Kind.PHASE).toList();
    if (phases.isEmpty()) {
      return;
    }
    html.append("<h2>Phases</h2>\n<table>\n<thead><tr><th>phase<th class=\"n\">began")
        .append("<th class=\"n\">took</tr></thead>\n<tbody>\n");
    for (TimelineSpan phase : phases) {
      html.append("<tr><th scope=\"row\">")
          .append(escape(phase.name()))
          .append("<td class=\"n\">")
          .append(Figure.millis(phase.startMillis()))
          .append("<td class=\"n\">")
          .append(Figure.millis(phase.endMillis() - phase.startMillis()))
          .append("</tr>\n");
    }
    html.append("</tbody></table>\n");
  }

  private void audit() {
    report
        .audit()
        .ifPresent(
            verdict -> {
              html.append("<h2>Audit</h2>\n");
              if (verdict.violations().isEmpty()) {
                html.append("<p class=\"good\">Each write and each task is on the destination")
                    .append(" exactly once.</p>\n");
              } else {
                html.append("<ul class=\"failure\">\n");
                verdict
                    .violations()
                    .forEach(v -> html.append("<li>").append(escape(v)).append("</li>\n"));
                html.append("</ul>\n");
              }
              html.append("<dl class=\"figures\">\n");
              new TreeMap<>(verdict.counts())
                  .forEach((name, n) -> figure(escape(name), String.format(Locale.ROOT, "%,d", n)));
              html.append("</dl>\n");
            });
  }
}
