package io.vferry.tck.report;

import io.vferry.tck.Chapter;
import io.vferry.tck.CheckResult;
import io.vferry.tck.ConformanceReport;
import io.vferry.tck.Verdict;
import java.util.List;
import java.util.Locale;

/** The report for people: one page that needs nothing from elsewhere. */
public final class ConformanceHtml {

  private static final String STYLE =
      """
      :root {
        color-scheme: light dark;
        --page: #ffffff; --text: #1f2933; --faint: #5b6875; --line: #d8dee5; --tile: #f4f6f8;
        --good: #1f7a4d; --bad: #b3263a;
      }
      @media (prefers-color-scheme: dark) {
        :root {
          --page: #14191f; --text: #e4e9ee; --faint: #98a5b3; --line: #313b46; --tile: #1d242c;
          --good: #5cc48f; --bad: #f0808f;
        }
      }
      * { box-sizing: border-box; }
      body {
        margin: 0 auto; padding: 24px; max-width: 1000px;
        background: var(--page); color: var(--text);
        font: 15px/1.45 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif;
      }
      h1 { font-size: 24px; margin: 0 0 4px; }
      h2 { font-size: 17px; margin: 28px 0 4px; }
      p { margin: 4px 0 12px; }
      .badge {
        font-size: 14px; font-weight: 600; padding: 3px 10px; border-radius: 12px;
        vertical-align: middle; background: var(--tile); border: 1px solid currentColor;
      }
      .passed { color: var(--good); }
      .failed { color: var(--bad); }
      .not-applicable, .faint { color: var(--faint); }
      .figures { display: flex; flex-wrap: wrap; gap: 10px; margin: 16px 0; }
      .figures div {
        background: var(--tile); border: 1px solid var(--line); border-radius: 6px;
        padding: 8px 14px; min-width: 130px;
      }
      .figures dt { color: var(--faint); font-size: 12.5px; }
      .figures dd { margin: 0; font-size: 19px; font-variant-numeric: tabular-nums; }
      table { border-collapse: collapse; width: 100%; }
      td {
        text-align: left; vertical-align: top; padding: 6px 14px 6px 0;
        border-bottom: 1px solid var(--line);
      }
      td.verdict { width: 140px; font-weight: 600; white-space: nowrap; }
      td.id { width: 300px; }
      code { font-size: 13px; overflow-wrap: anywhere; }
      .broken {
        background: var(--tile); border-left: 3px solid var(--bad); padding: 8px 14px;
        margin: 8px 0 4px;
      }
      .broken ol { margin: 4px 0; padding-left: 24px; }
      .broken p { margin: 4px 0; }
      pre {
        background: var(--tile); border: 1px solid var(--line); border-radius: 6px;
        padding: 10px 14px; overflow-x: auto; font-size: 13px;
      }
      @media (max-width: 640px) {
        td { display: block; width: auto !important; border: 0; padding: 2px 0; }
        tr { display: block; border-bottom: 1px solid var(--line); padding: 6px 0; }
      }
      """;

  private ConformanceHtml() {}

  /** Returns the page. */
  public static String of(ConformanceReport report) {
    StringBuilder out = new StringBuilder();
    String title = "Conformance of driver " + report.driver().id();
    out.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.append("<title>").append(escaped(title)).append("</title>\n");
    out.append("<style>\n").append(STYLE).append("</style>\n</head>\n<body>\n");
    out.append("<h1>").append(escaped(title)).append(" <span class=\"badge ");
    out.append(report.conforms() ? "passed\">conforms" : "failed\">does not conform");
    out.append("</span></h1>\n<p class=\"faint\">")
        .append(
            escaped(
                "%s, version %s, tried on %s by the vferry conformance kit %s"
                    .formatted(
                        report.driver().vendor(),
                        report.driver().version(),
                        report.device(),
                        report.kitVersion())))
        .append("</p>\n<dl class=\"figures\">\n");
    for (Verdict verdict : Verdict.values()) {
      out.append("<div><dt>").append(text(verdict)).append("</dt><dd class=\"");
      out.append(report.count(verdict) == 0 ? "faint" : style(verdict)).append("\">");
      out.append(report.count(verdict)).append("</dd></div>\n");
    }
    out.append("</dl>\n");
    failures(out, report);
    for (Chapter chapter : Chapter.values()) {
      chapter(out, chapter, report.results());
    }
    out.append("<h2>For the README of the driver</h2>\n<pre>");
    out.append(escaped(ConformanceLine.of(report))).append("</pre>\n");
    return out.append("</body>\n</html>\n").toString();
  }

  private static void failures(StringBuilder out, ConformanceReport report) {
    List<CheckResult> failed =
        report.results().stream().filter(one -> one.verdict() == Verdict.FAILED).toList();
    if (failed.isEmpty()) {
      return;
    }
    out.append("<h2>Broken promises</h2>\n<p>Each with the shortest sequence that shows it.</p>\n");
    for (CheckResult result : failed) {
      out.append("<div class=\"broken\">\n<p><b>").append(escaped(result.check().id()));
      out.append("</b>: ").append(escaped(result.check().promise())).append("</p>\n<ol>\n");
      for (String step : result.sequence()) {
        out.append("<li>").append(escaped(step)).append("</li>\n");
      }
      out.append("</ol>\n<p class=\"failed\">").append(escaped(result.reason())).append("</p>\n");
      out.append("<p class=\"faint\">").append(escaped(result.check().manual()));
      out.append("</p>\n</div>\n");
    }
  }

  private static void chapter(StringBuilder out, Chapter chapter, List<CheckResult> results) {
    List<CheckResult> own =
        results.stream().filter(one -> one.check().chapter() == chapter).toList();
    if (own.isEmpty()) {
      return;
    }
    out.append("<h2>").append(escaped(chapter.title())).append("</h2>\n<table>\n");
    for (CheckResult result : own) {
      out.append("<tr><td class=\"verdict ").append(style(result.verdict())).append("\">");
      out.append(text(result.verdict())).append("</td><td class=\"id\"><code>");
      out.append(escaped(result.check().id())).append("</code></td><td>");
      out.append(escaped(result.check().promise()));
      if (result.verdict() == Verdict.NOT_APPLICABLE) {
        out.append(" <span class=\"faint\">Not applicable: ").append(escaped(result.reason()));
        out.append(".</span>");
      }
      out.append("</td></tr>\n");
    }
    out.append("</table>\n");
  }

  private static String text(Verdict verdict) {
    return verdict.name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  private static String style(Verdict verdict) {
    return verdict.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static String escaped(String text) {
    StringBuilder out = new StringBuilder();
    text.codePoints()
        .forEach(
            point -> {
              switch (point) {
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '&' -> out.append("&amp;");
                case '"' -> out.append("&quot;");
                default -> out.appendCodePoint(Character.isISOControl(point) ? ' ' : point);
              }
            });
    return out.toString();
  }
}
