package io.vferry.cli.output;

import com.fasterxml.jackson.core.JsonGenerator;
import io.vferry.runtime.report.ExpectedDowntime;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.spi.state.DeviceState;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * Prints a migration that has ended, for programs. Names follow QEMU's {@code query-migrate}; times
 * in milliseconds with up to three decimals, sizes in bytes.
 */
public final class ReportJson {

  private ReportJson() {}

  /**
   * Returns one object on one line.
   *
   * @param timeline the file with the HTML timeline, if one was written
   */
  public static String of(MigrationReport report, Optional<Path> timeline) {
    return JsonText.of(json -> write(json, report, timeline));
  }

  private static void write(JsonGenerator json, MigrationReport report, Optional<Path> timeline)
      throws IOException {
    json.writeStartObject();
    json.writeStringField("vm", report.vm());
    json.writeStringField("status", report.status().label());
    time(json, "total-time", OptionalDouble.of(report.totalTimeMillis()));
    time(json, "setup-time", OptionalDouble.of(report.setupTimeMillis()));
    time(json, "expected-downtime", expected(report, ExpectedDowntime::millis));
    time(json, "expected-downtime-least", expected(report, ExpectedDowntime::leastMillis));
    time(json, "expected-downtime-most", expected(report, ExpectedDowntime::mostMillis));
    time(json, "downtime", report.downtimeMillis());
    ram(json, report.ram());
    json.writeObjectFieldStart("vfio");
    json.writeNumberField("transferred", report.vfioTransferredBytes());
    json.writeEndObject();
    if (timeline.isPresent()) {
      json.writeStringField("timeline", timeline.get().toString());
    } else {
      json.writeNullField("timeline");
    }
    json.writeArrayFieldStart("devices");
    for (MigrationReport.Device device : report.devices()) {
      device(json, device);
    }
    json.writeEndArray();
    audit(json, report);
    if (report.failure().isPresent()) {
      failure(json, report.failure().get());
    }
    json.writeEndObject();
  }

  private static void ram(JsonGenerator json, MigrationReport.Ram ram) throws IOException {
    json.writeObjectFieldStart("ram");
    json.writeNumberField("total", ram.totalBytes());
    json.writeNumberField("transferred", ram.transferredBytes());
    json.writeNumberField("precopy-bytes", ram.precopyBytes());
    json.writeNumberField("downtime-bytes", ram.downtimeBytes());
    json.writeNumberField("dirty-sync-count", ram.dirtySyncCount());
    json.writeEndObject();
  }

  private static void device(JsonGenerator json, MigrationReport.Device device) throws IOException {
    json.writeStartObject();
    json.writeStringField("id", device.id());
    json.writeStringField("driver", device.driver());
    json.writeStringField("host", device.host());
    json.writeNumberField("bytes", device.transferredBytes());
    json.writeNumberField("precopy-bytes", device.precopyBytes());
    json.writeArrayFieldStart("path");
    for (DeviceState state : device.path()) {
      json.writeString(state.name());
    }
    json.writeEndArray();
    json.writeArrayFieldStart("times");
    for (MigrationReport.ArcTime arc : device.arcs()) {
      json.writeStartObject();
      json.writeStringField("arc", arc.arc());
      time(json, "time", OptionalDouble.of(arc.millis()));
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeStringField("device-state", device.state().name());
    json.writeEndObject();
  }

  private static void audit(JsonGenerator json, MigrationReport report) throws IOException {
    if (report.audit().isEmpty()) {
      return;
    }
    json.writeObjectFieldStart("audit");
    json.writeBooleanField("passed", report.audit().get().violations().isEmpty());
    json.writeObjectFieldStart("counts");
    for (Map.Entry<String, Long> count : new TreeMap<>(report.audit().get().counts()).entrySet()) {
      json.writeNumberField(count.getKey(), count.getValue());
    }
    json.writeEndObject();
    json.writeArrayFieldStart("violations");
    for (String violation : report.audit().get().violations()) {
      json.writeString(violation);
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private static void failure(JsonGenerator json, MigrationReport.Failure failure)
      throws IOException {
    json.writeStringField("error-desc", failure.message());
    json.writeStringField("error-code", failure.code());
    if (failure.device().isPresent()) {
      json.writeStringField("error-device", failure.device().get());
    }
    json.writeBooleanField("source-runs", failure.sourceRuns());
  }

  private static OptionalDouble expected(
      MigrationReport report, ToDoubleFunction<ExpectedDowntime> part) {
    return report.expectedDowntime().stream().mapToDouble(part).findFirst();
  }

  private static void time(JsonGenerator json, String name, OptionalDouble millis)
      throws IOException {
    if (millis.isEmpty()) {
      json.writeNullField(name);
      return;
    }
    BigDecimal rounded =
        BigDecimal.valueOf(millis.getAsDouble())
            .setScale(3, RoundingMode.HALF_UP)
            .stripTrailingZeros();
    json.writeFieldName(name);
    json.writeNumber(rounded.scale() < 0 ? rounded.setScale(0) : rounded);
  }
}
