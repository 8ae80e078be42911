package io.vferry.host.linux.user.wire;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.user.wire.Capabilities.MigrationLimits;
import io.vferry.host.linux.user.wire.Capabilities.TwinSocket;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * The capabilities as text: {@code {"capabilities":{...}}}. Keys that this version does not know
 * are skipped, whatever their value.
 */
final class CapabilitiesJson {

  /** No honest peer sends more; the specification has seven keys. */
  static final int LARGEST_BYTES = 64 << 10;

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(16)
                  .maxDocumentLength(LARGEST_BYTES)
                  .maxStringLength(4096)
                  .maxNumberLength(32)
                  .build())
          .build();

  private OptionalInt maxMsgFds = OptionalInt.empty();
  private OptionalLong maxDataXferSize = OptionalLong.empty();
  private OptionalLong maxDmaMaps = OptionalLong.empty();
  private OptionalLong pgsizes = OptionalLong.empty();
  private Optional<TwinSocket> twinSocket = Optional.empty();
  private Optional<Boolean> writeMultiple = Optional.empty();
  private Optional<MigrationLimits> migration = Optional.empty();
  private Optional<Boolean> reassembly = Optional.empty();

  private CapabilitiesJson() {}

  static Capabilities read(byte[] text) throws MalformedMessageException {
    if (text.length == 0) {
      return Capabilities.NONE;
    }
    if (text.length > LARGEST_BYTES) {
      throw malformed("it has %d bytes, more than %d".formatted(text.length, LARGEST_BYTES));
    }
    CapabilitiesJson json = new CapabilitiesJson();
    try (JsonParser parser = FACTORY.createParser(text)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw malformed("it is no object");
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        if (parser.currentName().equals("capabilities")) {
          json.readCapabilities(parser);
        } else {
          skipValue(parser);
        }
      }
      if (parser.nextToken() != null) {
        throw malformed("something follows it");
      }
    } catch (IOException e) {
      throw malformed("it cannot be read: " + firstLine(e));
    }
    return new Capabilities(
        json.maxMsgFds,
        json.maxDataXferSize,
        json.maxDmaMaps,
        json.pgsizes,
        json.twinSocket,
        json.writeMultiple,
        json.migration,
        json.reassembly);
  }

  private void readCapabilities(JsonParser parser) throws IOException, MalformedMessageException {
    beginObject(parser, "capabilities");
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      switch (parser.currentName()) {
        case "max_msg_fds" ->
            maxMsgFds = OptionalInt.of((int) number(parser, 0, Integer.MAX_VALUE));
        case "max_data_xfer_size" ->
            maxDataXferSize = OptionalLong.of(number(parser, 1, Long.MAX_VALUE));
        case "max_dma_maps" -> maxDmaMaps = OptionalLong.of(number(parser, 0, Long.MAX_VALUE));
        case "pgsizes" -> pgsizes = OptionalLong.of(number(parser, 1, Long.MAX_VALUE));
        case "twin_socket" -> twinSocket = Optional.of(readTwinSocket(parser));
        case "write_multiple" -> writeMultiple = Optional.of(bool(parser));
        case "reassembly" -> reassembly = Optional.of(bool(parser));
        case "migration" -> migration = Optional.of(readMigration(parser));
        default -> skipValue(parser);
      }
    }
  }

  private static TwinSocket readTwinSocket(JsonParser parser)
      throws IOException, MalformedMessageException {
    boolean supported = false;
    OptionalInt fdIndex = OptionalInt.empty();
    beginObject(parser, "twin_socket");
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      switch (parser.currentName()) {
        case "supported" -> supported = bool(parser);
        case "fd_index" -> fdIndex = OptionalInt.of((int) number(parser, 0, Integer.MAX_VALUE));
        default -> skipValue(parser);
      }
    }
    return new TwinSocket(supported, fdIndex);
  }

  private static MigrationLimits readMigration(JsonParser parser)
      throws IOException, MalformedMessageException {
    OptionalLong pgsize = OptionalLong.empty();
    OptionalLong maxBitmapSize = OptionalLong.empty();
    beginObject(parser, "migration");
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      switch (parser.currentName()) {
        case "pgsize" -> pgsize = OptionalLong.of(number(parser, 1, Long.MAX_VALUE));
        case "max_bitmap_size" ->
            maxBitmapSize = OptionalLong.of(number(parser, 0, Long.MAX_VALUE));
        default -> skipValue(parser);
      }
    }
    return new MigrationLimits(pgsize, maxBitmapSize);
  }

  private static void beginObject(JsonParser parser, String key)
      throws IOException, MalformedMessageException {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      throw malformed(key + " is no object");
    }
  }

  private static void skipValue(JsonParser parser) throws IOException {
    parser.nextToken();
    parser.skipChildren();
  }

  private static long number(JsonParser parser, long smallest, long largest)
      throws IOException, MalformedMessageException {
    String key = parser.currentName();
    if (parser.nextToken() != JsonToken.VALUE_NUMBER_INT) {
      throw malformed(key + " is no whole number");
    }
    long value = parser.getLongValue();
    if (value < smallest || value > largest) {
      throw malformed("%s is %d, not in %d to %d".formatted(key, value, smallest, largest));
    }
    return value;
  }

  private static boolean bool(JsonParser parser) throws IOException, MalformedMessageException {
    String key = parser.currentName();
    JsonToken token = parser.nextToken();
    if (token != JsonToken.VALUE_TRUE && token != JsonToken.VALUE_FALSE) {
      throw malformed(key + " is neither true nor false");
    }
    return token == JsonToken.VALUE_TRUE;
  }

  private static String firstLine(IOException e) {
    String message = String.valueOf(e.getMessage());
    int end = message.indexOf('\n');
    return end < 0 ? message : message.substring(0, end);
  }

  private static MalformedMessageException malformed(String detail) {
    return new MalformedMessageException(
        Errno.EINVAL, "VERSION: the JSON is not as specified: " + detail);
  }

  static byte[] write(Capabilities capabilities) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(256);
    try (JsonGenerator json = FACTORY.createGenerator(out)) {
      json.writeStartObject();
      json.writeObjectFieldStart("capabilities");
      write(json, "max_msg_fds", capabilities.maxMsgFds());
      write(json, "max_data_xfer_size", capabilities.maxDataXferSize());
      write(json, "max_dma_maps", capabilities.maxDmaMaps());
      write(json, "pgsizes", capabilities.pgsizes());
      if (capabilities.twinSocket().isPresent()) {
        TwinSocket twin = capabilities.twinSocket().get();
        json.writeObjectFieldStart("twin_socket");
        json.writeBooleanField("supported", twin.supported());
        write(json, "fd_index", twin.fdIndex());
        json.writeEndObject();
      }
      if (capabilities.writeMultiple().isPresent()) {
        json.writeBooleanField("write_multiple", capabilities.writeMultiple().get());
      }
      if (capabilities.reassembly().isPresent()) {
        json.writeBooleanField("reassembly", capabilities.reassembly().get());
      }
      if (capabilities.migration().isPresent()) {
        MigrationLimits migration = capabilities.migration().get();
        json.writeObjectFieldStart("migration");
        write(json, "pgsize", migration.pgsize());
        write(json, "max_bitmap_size", migration.maxBitmapSize());
        json.writeEndObject();
      }
      json.writeEndObject();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return out.toByteArray();
  }

  private static void write(JsonGenerator json, String key, OptionalInt value) throws IOException {
    if (value.isPresent()) {
      json.writeNumberField(key, value.getAsInt());
    }
  }

  private static void write(JsonGenerator json, String key, OptionalLong value) throws IOException {
    if (value.isPresent()) {
      json.writeNumberField(key, value.getAsLong());
    }
  }
}
