package io.vferry.cli.output;

import com.fasterxml.jackson.core.JsonGenerator;
import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.discovery.DriverChoice;
import io.vferry.runtime.discovery.Found;
import io.vferry.spi.host.Availability;
import io.vferry.spi.host.HostBackend;
import io.vferry.spi.host.HostDeviceInfo;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Prints the devices of this host.
 *
 * @param rows a device each
 * @param unavailable a sentence for each backend that does not work here
 */
public record DeviceList(List<Row> rows, List<String> unavailable) {

  public DeviceList {
    rows = List.copyOf(rows);
    unavailable = List.copyOf(unavailable);
  }

  /** A device and who would serve it. */
  public record Row(HostDeviceInfo device, DriverChoice choice) {
    Optional<String> driver() {
      return choice instanceof DriverChoice.Chosen chosen
          ? Optional.of(chosen.driver().name())
          : Optional.empty();
    }
  }

  /** Asks all backends. */
  public static DeviceList of(Catalogue catalogue) {
    List<Row> rows = new ArrayList<>();
    List<String> unavailable = new ArrayList<>();
    for (Found<HostBackend> backend : catalogue.backends()) {
      Availability availability = backend.instance().availability();
      if (!availability.available()) {
        unavailable.add(backend.name() + ": " + availability.reason());
        continue;
      }
      for (HostDeviceInfo device : backend.instance().list()) {
        rows.add(new Row(device, catalogue.choose(device, Optional.empty())));
      }
    }
    return new DeviceList(rows, unavailable);
  }

  /** Returns lines for people. */
  public List<String> lines() {
    List<String> lines = new ArrayList<>();
    if (rows.isEmpty()) {
      lines.add("No device was found.");
    } else {
      TextTable table = new TextTable();
      table.add("ADDRESS", "BUS", "PCI ID", "DRIVER", "");
      for (Row row : rows) {
        table.add(
            row.device().address().toString(),
            row.device().bus(),
            row.device().vendorId() == 0
                ? "-"
                : "%04x:%04x".formatted(row.device().vendorId(), row.device().deviceId()),
            row.driver().orElse("-"),
            row.driver().isPresent() ? remark(row.device()) : row.choice().reason());
      }
      lines.addAll(table.lines(""));
    }
    if (!unavailable.isEmpty()) {
      lines.add("");
      unavailable.forEach(reason -> lines.add("Not looked at: " + reason));
    }
    return lines;
  }

  private static String remark(HostDeviceInfo device) {
    return device.properties().getOrDefault("description", "");
  }

  /** Returns an array on one line, for programs. */
  public String json() {
    return JsonText.of(
        json -> {
          json.writeStartArray();
          for (Row row : rows) {
            write(json, row);
          }
          json.writeEndArray();
        });
  }

  private static void write(JsonGenerator json, Row row) throws IOException {
    HostDeviceInfo device = row.device();
    json.writeStartObject();
    json.writeStringField("address", device.address().toString());
    json.writeStringField("bus", device.bus());
    json.writeNumberField("vendor-id", device.vendorId());
    json.writeNumberField("device-id", device.deviceId());
    json.writeNumberField("subsystem-vendor-id", device.subsystemVendorId());
    json.writeNumberField("subsystem-device-id", device.subsystemDeviceId());
    json.writeBooleanField("host-migration", device.hostMigration());
    json.writeObjectFieldStart("properties");
    for (Map.Entry<String, String> property : new TreeMap<>(device.properties()).entrySet()) {
      json.writeStringField(property.getKey(), property.getValue());
    }
    json.writeEndObject();
    if (row.driver().isPresent()) {
      json.writeStringField("driver", row.driver().get());
    } else {
      json.writeNullField("driver");
    }
    json.writeStringField("reason", row.choice().reason());
    json.writeEndObject();
  }
}
