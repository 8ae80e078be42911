package io.vferry.runtime.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The spans that belong to one thing, in rows in which no two overlap.
 *
 * @param name of the thing
 * @param rows at least one
 */
record TimelineLane(String name, List<List<TimelineSpan>> rows) {

  /** Rows beyond this share the last one; who has so many spans at once is not readable anyway. */
  private static final int MAX_ROWS = 6;

  /** Sorts spans into lanes: phases, the machine, memory, devices as listed, then the others. */
  static List<TimelineLane> of(MigrationReport report) {
    Map<String, List<TimelineSpan>> byName = new LinkedHashMap<>();
    List<TimelineSpan> phases =
        report.timeline().stream().filter(s -> s.kind() == TimelineSpan.Kind.PHASE).toList();
    if (!phases.isEmpty()) {
      byName.put("phase", phases);
    }
    byName.put("vm", new ArrayList<>());
    byName.put("memory", new ArrayList<>());
    report.devices().forEach(device -> byName.put(device.id(), new ArrayList<>()));
    for (TimelineSpan span : report.timeline()) {
      if (span.kind() != TimelineSpan.Kind.PHASE) {
        byName.computeIfAbsent(span.lane(), name -> new ArrayList<>()).add(span);
      }
    }
    List<TimelineLane> lanes = new ArrayList<>();
    byName.forEach(
        (name, spans) -> {
          if (!spans.isEmpty()) {
            lanes.add(new TimelineLane(name, inRows(spans)));
          }
        });
    return lanes;
  }

  private static List<List<TimelineSpan>> inRows(List<TimelineSpan> spans) {
    List<List<TimelineSpan>> rows = new ArrayList<>();
    spans.stream()
        .sorted(Comparator.comparingDouble(TimelineSpan::startMillis))
        .forEach(span -> rowFor(span, rows).add(span));
    return rows;
  }

  /** Arcs and transfers get different rows, so that a row has one meaning. */
  private static List<TimelineSpan> rowFor(TimelineSpan span, List<List<TimelineSpan>> rows) {
    for (List<TimelineSpan> row : rows) {
      TimelineSpan last = row.get(row.size() - 1);
      if (last.kind() == span.kind() && last.endMillis() <= span.startMillis()) {
        return row;
      }
    }
    if (rows.size() < MAX_ROWS) {
      rows.add(new ArrayList<>());
    }
    return rows.get(rows.size() - 1);
  }
}
