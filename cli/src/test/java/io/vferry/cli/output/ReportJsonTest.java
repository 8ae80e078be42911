package io.vferry.cli.output;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.cli.JsonValue;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ReportJsonTest {

  @Test
  void namesFieldsAsQueryMigrateDoes() throws Exception {
    String line = ReportJson.of(SampleReports.completed(), Optional.of(Path.of("/tmp/ü.html")));
    Map<String, Object> report = JsonValue.parseObject(line);

    assertThat(line).isPrintable().matches("\\p{ASCII}*");
    assertThat(report)
        .containsEntry("vm", "mixed-vm")
        .containsEntry("status", "completed")
        .containsEntry("total-time", 3412.346)
        .containsEntry("setup-time", 120L)
        .containsEntry("expected-downtime", 138L)
        .containsEntry("expected-downtime-least", 121L)
        .containsEntry("expected-downtime-most", 160.5)
        .containsEntry("downtime", 142.063)
        .containsEntry("timeline", "/tmp/ü.html")
        .containsEntry("vfio", Map.of("transferred", 66L << 20))
        .containsEntry(
            "ram",
            Map.of(
                "total", 256L << 20,
                "transferred", 310L << 20,
                "precopy-bytes", 298L << 20,
                "downtime-bytes", 12L << 20,
                "dirty-sync-count", 3L))
        .containsEntry(
            "audit",
            Map.of(
                "passed", true,
                "counts", Map.of("tasks", 120L, "dma-writes", 12034L),
                "violations", List.of()))
        .doesNotContainKey("error-desc");
    assertThat((List<?>) report.get("devices"))
        .hasSize(2)
        .last()
        .isEqualTo(
            Map.of(
                "id",
                "acc0",
                "driver",
                "sim",
                "host",
                "sim:hisi-acc?pre-copy=false",
                "bytes",
                1L << 20,
                "precopy-bytes",
                0L,
                "path",
                List.of("RUNNING", "STOP", "STOP_COPY"),
                "times",
                List.of(),
                "device-state",
                "STOP_COPY"));
  }

  @Test
  void saysWhyAMigrationFailed() throws Exception {
    Map<String, Object> report =
        JsonValue.parseObject(ReportJson.of(SampleReports.failed(), Optional.empty()));

    assertThat(report)
        .containsEntry("status", "failed")
        .containsEntry("downtime", "null")
        .containsEntry("expected-downtime", "null")
        .containsEntry("timeline", "null")
        .containsEntry("error-code", "VF-1010")
        .containsEntry("error-device", "nic0")
        .containsEntry("source-runs", true)
        .containsEntry(
            "error-desc",
            "VF-1010: \"RUNNING -> STOP\" took longer than 10 s; the device is in ERROR.");
    assertThat(report.get("audit"))
        .isEqualTo(
            Map.of(
                "passed", false,
                "counts", Map.of("tasks", 120L),
                "violations", List.of("task 7 of nic0 was lost")));
  }
}
