package io.vferry.tck.report;

import io.vferry.tck.CheckResult;
import io.vferry.tck.ConformanceReport;
import io.vferry.tck.Verdict;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;

/** The report for programs. */
public final class ConformanceJson {

  private ConformanceJson() {}

  /** Returns one JSON object, indented. */
  public static String of(ConformanceReport report) {
    StringBuilder out = new StringBuilder("{\n");
    field(out, "  ", "driver", report.driver().id()).append(",\n");
    field(out, "  ", "vendor", report.driver().vendor()).append(",\n");
    field(out, "  ", "version", report.driver().version()).append(",\n");
    field(out, "  ", "device", report.device()).append(",\n");
    field(out, "  ", "kit", report.kitVersion()).append(",\n");
    out.append("  \"conforms\": ").append(report.conforms()).append(",\n");
    for (Verdict verdict : Verdict.values()) {
      out.append("  \"").append(name(verdict)).append("\": ");
      out.append(report.count(verdict)).append(",\n");
    }
    out.append("  \"checks\": [\n");
    Iterator<CheckResult> results = report.results().iterator();
    while (results.hasNext()) {
      check(out, results.next());
      out.append(results.hasNext() ? ",\n" : "\n");
    }
    return out.append("  ]\n}\n").toString();
  }

  private static void check(StringBuilder out, CheckResult result) {
    out.append("    {\n");
    field(out, "      ", "id", result.check().id()).append(",\n");
    field(out, "      ", "chapter", result.check().chapter().title()).append(",\n");
    field(out, "      ", "promise", result.check().promise()).append(",\n");
    field(out, "      ", "manual", result.check().manual()).append(",\n");
    field(out, "      ", "verdict", name(result.verdict())).append(",\n");
    field(out, "      ", "reason", result.reason()).append(",\n");
    out.append("      \"sequences-tried\": ").append(result.scripts()).append(",\n");
    out.append("      \"shortest-sequence\": ").append(texts(result.sequence())).append("\n    }");
  }

  private static String name(Verdict verdict) {
    return verdict.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static String texts(List<String> texts) {
    return texts.stream()
        .map(ConformanceJson::quoted)
        .collect(java.util.stream.Collectors.joining(", ", "[", "]"));
  }

  private static StringBuilder field(StringBuilder out, String indent, String name, String value) {
    return out.append(indent).append('"').append(name).append("\": ").append(quoted(value));
  }

  private static String quoted(String text) {
    StringBuilder out = new StringBuilder("\"");
    for (int index = 0; index < text.length(); index++) {
      char c = text.charAt(index);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c < 0x20 || Character.isSurrogate(c)) {
        out.append("\\u%04x".formatted((int) c));
      } else {
        out.append(c);
      }
    }
    return out.append('"').toString();
  }
}
