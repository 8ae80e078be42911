package io.vferry.runtime.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.runtime.report.TimelineSpan.Kind;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.vm.GuestAudit;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class HtmlReportTest {

  @Test
  void needsNothingFromOutside() throws Exception {
    String page = HtmlReport.of(completed());
    Files.writeString(Path.of("target/sample-report.html"), page);

    assertThat(page)
        .startsWith("<!doctype html>")
        .doesNotContainPattern("(?i)(src|href)\\s*=")
        .doesNotContainPattern("(?i)https?://")
        .doesNotContainPattern("(?i)@import|url\\(|<script");
  }

  @Test
  void drawsEachLaneAndMarksTheDowntime() {
    String page = HtmlReport.of(completed());

    List<String> lanes = matches(page, "class=\"lane\"[^>]*>([^<]*)<");
    assertThat(lanes.subList(0, lanes.size() / 2))
        .containsExactly(
            "phase",
            "vm",
            "memory",
            "nic0",
            "nic1",
            "acc0",
            "gpu0",
            "connection-1",
            "connection-2");
    assertThat(lanes).hasSize(18);
    // 1010 units show 3412 ms in the first drawing; in the second the 176.3 ms from 3235.7 on.
    assertThat(matches(page, "class=\"downtime\" x=\"([0-9.]+)\""))
        .containsExactly("1114.12", "272.02");
    assertThat(page).contains("the guest stood still: 142 ms");
  }

  @Test
  void saysMoreAboutABarUnderThePointer() {
    assertThat(HtmlReport.of(completed()))
        .contains("<title>nic0: save\nfrom 121 ms, took 3.28 s\n64.0 MiB, 19.5 MiB/s</title>");
  }

  @Test
  void keepsEveryBarInsideTheDrawing() {
    for (String bar : matches(HtmlReport.of(completed()), "(<rect [^>]*>)")) {
      double x = Double.parseDouble(matches(bar, " x=\"([^\"]*)\"").get(0));
      double width = Double.parseDouble(matches(bar, " width=\"([^\"]*)\"").get(0));
      assertThat(x).isBetween(150.0, 1160.0);
      assertThat(x + width).isLessThan(1162);
      assertThat(width).isGreaterThanOrEqualTo(1.5);
    }
  }

  @Test
  void givesSpansThatOverlapDifferentRows() {
    List<TimelineSpan> spans =
        List.of(
            new TimelineSpan("d", "a", Kind.TRANSFER, 0, 10, 0),
            new TimelineSpan("d", "b", Kind.TRANSFER, 5, 15, 0),
            new TimelineSpan("d", "c", Kind.TRANSFER, 10, 20, 0),
            new TimelineSpan("d", "x", Kind.ARC, 20, 21, 0));

    List<TimelineLane> lanes = TimelineLane.of(report("vm", List.of(), spans));

    assertThat(lanes).hasSize(1);
    assertThat(lanes.get(0).rows())
        .extracting(row -> row.stream().map(TimelineSpan::name).toList())
        .containsExactly(List.of("a", "c"), List.of("b"), List.of("x"));
  }

  @Test
  void trustsNoName() {
    String evil = "</title><script>alert('x')</script>\"\u0007";
    String page =
        HtmlReport.of(
            report(
                evil,
                List.of(
                    new MigrationReport.Device(
                        "d", evil, evil, 0, 0, List.of(), List.of(), DeviceState.RUNNING)),
                List.of(new TimelineSpan(evil, evil, Kind.PAUSE, 0, 1, 0))));

    assertThat(page).doesNotContain("<script").doesNotContain("\u0007");
    assertThat(page).contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;\ufffd");
  }

  @Test
  void saysWhyAMigrationFailed() {
    MigrationReport whole = completed();
    String page =
        HtmlReport.of(
            new MigrationReport(
                "vm",
                Phase.FAILED,
                0,
                0,
                Optional.empty(),
                OptionalDouble.empty(),
                whole.ram(),
                0,
                List.of(),
                List.of(),
                Optional.of(new GuestAudit.Verdict(Map.of(), List.of("write 7 is lost"))),
                Optional.of(
                    new MigrationReport.Failure(
                        "VF-2007", Optional.of("nic0"), "It was lost.", true))));

    assertThat(page)
        .contains("<span class=\"status failed\">failed</span>")
        .contains("VF-2007, device nic0</strong> It was lost. The guest runs on at the source.")
        .contains("<li>write 7 is lost</li>")
        .doesNotContain("<svg");
  }

  private static List<String> matches(String text, String pattern) {
    List<String> found = new ArrayList<>();
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    while (matcher.find()) {
      found.add(matcher.group(1));
    }
    return found;
  }

  private static MigrationReport report(
      String vm, List<MigrationReport.Device> devices, List<TimelineSpan> spans) {
    return new MigrationReport(
        vm,
        Phase.COMPLETED,
        20,
        0,
        Optional.empty(),
        OptionalDouble.empty(),
        new MigrationReport.Ram(0, 0, 0, 0, 0),
        0,
        devices,
        spans,
        Optional.empty(),
        Optional.empty());
  }

  /** A migration as it could have been. */
  private static MigrationReport completed() {
    List<TimelineSpan> spans = new ArrayList<>();
    phase(spans, "setup", 0, 120);
    phase(spans, "precopy", 120, 3257);
    phase(spans, "switchover", 3257, 3271);
    phase(spans, "stop-copy", 3271, 3380);
    phase(spans, "ready", 3380, 3394);
    phase(spans, "committed", 3394, 3412);
    spans.add(new TimelineSpan("vm", "guest stands still", Kind.PAUSE, 3257, 3399, 0));
    spans.add(new TimelineSpan("memory", "round 1", Kind.TRANSFER, 122, 1904, 256L << 20));
    spans.add(new TimelineSpan("memory", "round 2", Kind.TRANSFER, 1904, 2820, 42L << 20));
    spans.add(new TimelineSpan("memory", "round 3", Kind.TRANSFER, 2820, 3250, 9L << 20));
    spans.add(new TimelineSpan("memory", "last round", Kind.TRANSFER, 3272, 3301, 3L << 20));
    for (String nic : List.of("nic0", "nic1")) {
      spans.add(new TimelineSpan(nic, "RUNNING -> PRE_COPY", Kind.ARC, 120, 121, 0));
      spans.add(new TimelineSpan(nic, "save", Kind.TRANSFER, 121, 3400, 64L << 20));
      spans.add(new TimelineSpan(nic, "PRE_COPY -> PRE_COPY_P2P", Kind.ARC, 3261, 3263, 0));
      spans.add(new TimelineSpan(nic, "PRE_COPY_P2P -> STOP_COPY", Kind.ARC, 3264, 3267, 0));
    }
    spans.add(new TimelineSpan("acc0", "RUNNING -> STOP", Kind.ARC, 3263, 3269.5, 0));
    spans.add(new TimelineSpan("acc0", "STOP -> STOP_COPY", Kind.ARC, 3271, 3271.2, 0));
    spans.add(new TimelineSpan("gpu0", "RUNNING -> RUNNING_P2P", Kind.ARC, 3259, 3261, 0));
    spans.add(new TimelineSpan("gpu0", "RUNNING_P2P -> STOP", Kind.ARC, 3263, 3269, 0));
    spans.add(new TimelineSpan("gpu0", "STOP -> STOP_COPY", Kind.ARC, 3271, 3273, 0));
    spans.add(new TimelineSpan("gpu0", "save", Kind.TRANSFER, 3273, 3378, 256L << 20));
    spans.add(new TimelineSpan("connection-1", "send", Kind.TRANSFER, 121, 3379, 401L << 20));
    spans.add(new TimelineSpan("connection-2", "send", Kind.TRANSFER, 121, 3375, 398L << 20));
    return new MigrationReport(
        "mixed-vm",
        Phase.COMPLETED,
        3412,
        120,
        Optional.of(new ExpectedDowntime(138, 121, 160.5)),
        OptionalDouble.of(142),
        new MigrationReport.Ram(256 << 20, 310 << 20, 307 << 20, 3 << 20, 3),
        384L << 20,
        List.of(
            nic("nic0"),
            nic("nic1"),
            new MigrationReport.Device(
                "acc0",
                "sim",
                "sim:hisi-acc?pre-copy=false",
                176,
                0,
                List.of(DeviceState.RUNNING, DeviceState.STOP, DeviceState.STOP_COPY),
                List.of(
                    new MigrationReport.ArcTime("RUNNING -> STOP", 6.5),
                    new MigrationReport.ArcTime("STOP -> STOP_COPY", 0.2)),
                DeviceState.STOP_COPY),
            new MigrationReport.Device(
                "gpu0",
                "sim",
                "sim:xe",
                256L << 20,
                0,
                List.of(
                    DeviceState.RUNNING,
                    DeviceState.RUNNING_P2P,
                    DeviceState.STOP,
                    DeviceState.STOP_COPY),
                List.of(
                    new MigrationReport.ArcTime("RUNNING -> RUNNING_P2P", 2),
                    new MigrationReport.ArcTime("RUNNING_P2P -> STOP", 6),
                    new MigrationReport.ArcTime("STOP -> STOP_COPY", 2)),
                DeviceState.STOP_COPY)),
        spans,
        Optional.of(
            new GuestAudit.Verdict(Map.of("dma-writes", 120_344L, "tasks", 3_120L), List.of())),
        Optional.empty());
  }

  private static MigrationReport.Device nic(String id) {
    return new MigrationReport.Device(
        id,
        "sim",
        "sim:mlx5?state=64MiB",
        64L << 20,
        62L << 20,
        List.of(
            DeviceState.RUNNING,
            DeviceState.PRE_COPY,
            DeviceState.PRE_COPY_P2P,
            DeviceState.STOP_COPY),
        List.of(
            new MigrationReport.ArcTime("RUNNING -> PRE_COPY", 1),
            new MigrationReport.ArcTime("PRE_COPY -> PRE_COPY_P2P", 2),
            new MigrationReport.ArcTime("PRE_COPY_P2P -> STOP_COPY", 3)),
        DeviceState.STOP_COPY);
  }

  private static void phase(List<TimelineSpan> spans, String name, double from, double to) {
    spans.add(new TimelineSpan("migration", name, Kind.PHASE, from, to, 0));
  }
}
