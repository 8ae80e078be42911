package io.vferry.cli.output;

import io.vferry.spi.driver.StreamInspector;
import java.util.ArrayList;
import java.util.List;

/**
 * What a driver found in a recorded stream.
 *
 * @param driver its id
 * @param lengthBytes of the stream
 * @param fields what it found
 */
public record Inspection(String driver, long lengthBytes, List<StreamInspector.Field> fields) {

  /** Creates a finding; the list is copied. */
  public Inspection {
    fields = List.copyOf(fields);
  }

  /**
   * Returns the lines for people.
   *
   * @param title what was looked at
   */
  public List<String> lines(String title) {
    List<String> lines = new ArrayList<>();
    lines.add("%s: a stream of driver %s, %d bytes".formatted(title, driver, lengthBytes));
    TextTable table = new TextTable();
    table.add("OFFSET", "LENGTH", "WHAT", "VALUE");
    for (StreamInspector.Field field : fields) {
      table.add(
          Long.toString(field.offset()),
          Long.toString(field.lengthBytes()),
          printable(field.name()),
          printable(field.value()));
    }
    lines.addAll(table.lines("  "));
    return lines;
  }

  /** A stream comes from anywhere, and a terminal obeys control characters. */
  private static String printable(String text) {
    return text.codePoints()
        .map(point -> Character.isISOControl(point) ? ' ' : point)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }

  /** Returns the line for programs. */
  public String json() {
    return JsonText.of(
        json -> {
          json.writeStartObject();
          json.writeStringField("driver", driver);
          json.writeNumberField("length", lengthBytes);
          json.writeArrayFieldStart("fields");
          for (StreamInspector.Field field : fields) {
            json.writeStartObject();
            json.writeNumberField("offset", field.offset());
            json.writeNumberField("length", field.lengthBytes());
            json.writeStringField("name", field.name());
            json.writeStringField("value", field.value());
            json.writeEndObject();
          }
          json.writeEndArray();
          json.writeEndObject();
        });
  }
}
