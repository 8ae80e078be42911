package io.vferry.cli.output;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;

/** Makes one line of JSON; all characters are ASCII, so that no locale can spoil them. */
public final class JsonText {

  /** Writes one value. */
  @FunctionalInterface
  public interface Content {
    /** Writes one value. */
    void writeTo(JsonGenerator json) throws IOException;
  }

  private JsonText() {}

  /** Returns the line, without a line end. */
  public static String of(Content content) {
    StringWriter line = new StringWriter();
    JsonFactory factory =
        JsonFactory.builder().configure(JsonWriteFeature.ESCAPE_NON_ASCII, true).build();
    try (JsonGenerator json = factory.createGenerator(line)) {
      content.writeTo(json);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return line.toString();
  }
}
