package io.vferry.runtime.report;

import java.util.List;
import java.util.Locale;

/** Draws the lanes of a stretch of time as SVG. */
final class HtmlTimeline {

  private static final int WIDTH = 1180;
  private static final int GUTTER = 150;
  private static final int RIGHT_MARGIN = 20;
  private static final int TOP = 26;
  private static final int ROW_HEIGHT = 18;
  private static final int BAR_HEIGHT = 14;
  private static final int LANE_GAP = 6;
  private static final double CHARACTER_WIDTH = 6.2;
  private static final double LEAST_BAR_WIDTH = 1.5;

  private final double startMillis;
  private final double endMillis;
  private final StringBuilder svg = new StringBuilder();

  private HtmlTimeline(double startMillis, double endMillis) {
    this.startMillis = startMillis;
    this.endMillis = Math.max(endMillis, startMillis + 0.001);
  }

  /**
   * Draws what happened in a stretch of time.
   *
   * @param pauses stretches in which the guest stood still
   */
  static String draw(
      String title,
      List<TimelineLane> lanes,
      List<TimelineSpan> pauses,
      double startMillis,
      double endMillis) {
    return new HtmlTimeline(startMillis, endMillis).draw(title, lanes, pauses);
  }

  private String draw(String title, List<TimelineLane> lanes, List<TimelineSpan> pauses) {
    int height = TOP + LANE_GAP;
    for (TimelineLane lane : lanes) {
      height += laneHeight(lane);
    }
    append(
        "<svg class=\"timeline\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n",
        WIDTH, height + 4, HtmlReport.escape(title));
    for (TimelineSpan pause : pauses) {
      if (visible(pause)) {
        append(
            "<rect class=\"downtime\" x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\">"
                + "<title>%s</title></rect>\n",
            x(pause.startMillis()),
            TOP,
            width(pause),
            height - TOP,
            HtmlReport.escape(
                "the guest stood still: "
                    + Figure.millis(pause.endMillis() - pause.startMillis())));
      }
    }
    axis(height);
    int y = TOP + LANE_GAP;
    for (TimelineLane lane : lanes) {
      lane(lane, y);
      y += laneHeight(lane);
    }
    return svg.append("</svg>\n").toString();
  }

  private static int laneHeight(TimelineLane lane) {
    return lane.rows().size() * ROW_HEIGHT + LANE_GAP;
  }

  private void axis(int height) {
    double step = step();
    for (double at = Math.ceil(startMillis / step) * step; at <= endMillis; at += step) {
      append(
          "<line class=\"grid\" x1=\"%.2f\" y1=\"%d\" x2=\"%.2f\" y2=\"%d\"/>"
              + "<text class=\"tick\" x=\"%.2f\" y=\"%d\">%s</text>\n",
          x(at), TOP, x(at), height, x(at), TOP - 9, tick(at, step));
    }
  }

  /** A round number of milliseconds that gives about eight ticks. */
  private double step() {
    double rough = (endMillis - startMillis) / 8;
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    double digit = rough / power;
    return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
  }

  private static String tick(double millis, double step) {
    if (step >= 1000) {
      return String.format(Locale.ROOT, "%.0f s", millis / 1000);
    }
    if (step >= 100 && millis >= 1000) {
      return String.format(Locale.ROOT, "%.1f s", millis / 1000);
    }
    int digits = step >= 1 ? 0 : (int) Math.ceil(-Math.log10(step));
    return String.format(Locale.ROOT, "%." + digits + "f ms", millis);
  }

  private void lane(TimelineLane lane, int top) {
    String name = lane.name();
    append(
        "<text class=\"lane\" x=\"%d\" y=\"%d\">%s<title>%s</title></text>\n",
        GUTTER - 10,
        top + ROW_HEIGHT - 6,
        HtmlReport.escape(name.length() > 20 ? name.substring(0, 19) + "…" : name),
        HtmlReport.escape(name));
    int y = top;
    for (List<TimelineSpan> row : lane.rows()) {
      for (TimelineSpan span : row) {
        if (visible(span)) {
          bar(lane, span, y);
        }
      }
      y += ROW_HEIGHT;
    }
  }

  private void bar(TimelineLane lane, TimelineSpan span, int y) {
    double width = width(span);
    append(
        "<g><rect class=\"%s\" x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" rx=\"2\"/>",
        span.kind().name().toLowerCase(Locale.ROOT), x(span.startMillis()), y, width, BAR_HEIGHT);
    String label = span.name();
    if (label.length() * CHARACTER_WIDTH + 6 <= width) {
      append(
          "<text class=\"bar\" x=\"%.2f\" y=\"%d\">%s</text>",
          x(span.startMillis()) + 4, y + BAR_HEIGHT - 4, HtmlReport.escape(label));
    }
    append("<title>%s</title></g>\n", HtmlReport.escape(story(lane, span)));
  }

  private static String story(TimelineLane lane, TimelineSpan span) {
    double took = span.endMillis() - span.startMillis();
    StringBuilder story = new StringBuilder(lane.name()).append(": ").append(span.name());
    story.append("\nfrom ").append(Figure.millis(span.startMillis()));
    story.append(", took ").append(Figure.millis(took));
    if (span.bytes() > 0) {
      story.append("\n").append(Figure.bytes(span.bytes()));
      if (took > 0) {
        story.append(", ").append(Figure.bytesPerSecond((long) (span.bytes() * 1000.0 / took)));
      }
    }
    return story.toString();
  }

  private boolean visible(TimelineSpan span) {
    return span.endMillis() >= startMillis && span.startMillis() <= endMillis;
  }

  private double x(double millis) {
    double inside = Math.min(Math.max(millis, startMillis), endMillis);
    return GUTTER
        + (inside - startMillis) / (endMillis - startMillis) * (WIDTH - GUTTER - RIGHT_MARGIN);
  }

  private double width(TimelineSpan span) {
    return Math.max(LEAST_BAR_WIDTH, x(span.endMillis()) - x(span.startMillis()));
  }

  private void append(String format, Object... values) {
    svg.append(String.format(Locale.ROOT, format, values));
  }
}
