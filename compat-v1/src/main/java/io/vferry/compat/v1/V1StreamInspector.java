package io.vferry.compat.v1;

import io.vferry.spi.driver.StreamInspector;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Explains the stream of an adapted v1 driver: its records; what is in them only the driver knows.
 */
final class V1StreamInspector implements StreamInspector {

  @Override
  public List<Field> inspect(ByteBuffer stream) throws MigrationException {
    ByteBuffer in = stream.slice().order(ByteOrder.LITTLE_ENDIAN);
    List<Field> fields = new ArrayList<>();
    need(in, V1StreamFormat.START_BYTES);
    if (in.getInt() != V1StreamFormat.MAGIC) {
      throw fault(DeviceError.DATA_INCOMPATIBLE, in, "is no stream of a v1 driver");
    }
    int version = in.getShort();
    if (version != V1StreamFormat.VERSION) {
      throw fault(DeviceError.DATA_INCOMPATIBLE, in, "has the unknown version " + version);
    }
    boolean checksummed = in.getShort() == V1StreamFormat.CHECKSUMMED;
    int descriptionBytes = in.getInt();
    in.position(V1StreamFormat.START_BYTES);
    fields.add(
        new Field(
            0,
            V1StreamFormat.START_BYTES,
            "start",
            "version %d%s".formatted(version, checksummed ? ", chunks prove themselves" : "")));
    if (descriptionBytes < 1 || descriptionBytes > V1StreamFormat.MAX_DESCRIPTION_BYTES) {
      throw fault(
          DeviceError.DATA_CORRUPT,
          in,
          "is said to have a description of %d bytes".formatted(descriptionBytes));
    }
    need(in, descriptionBytes);
    String description =
        V1StreamFormat.description(in.slice(in.position(), descriptionBytes))
            .map(Map::toString)
            .orElseThrow(() -> fault(DeviceError.DATA_CORRUPT, in, "has a damaged description"));
    fields.add(new Field(in.position(), descriptionBytes, "device", description));
    in.position(in.position() + descriptionBytes);
    int type;
    do {
      int at = in.position();
      need(in, V1StreamFormat.RECORD_BYTES);
      type = in.getInt();
      in.getInt();
      long length = in.getLong();
      if ((type != V1StreamFormat.CHUNK && type != V1StreamFormat.END) || length < 1) {
        throw fault(DeviceError.DATA_CORRUPT, in, "has a record of type " + type);
      }
      if (length > in.remaining()
          || (type == V1StreamFormat.END && length != V1StreamFormat.END_BYTES)) {
        throw fault(DeviceError.DATA_CORRUPT, in, "has a record of %d bytes".formatted(length));
      }
      boolean end = type == V1StreamFormat.END;
      String value =
          end
              ? "%d chunks, %d bytes, CRC32C 0x%08x"
                  .formatted(in.getLong(), in.getLong(), in.getLong())
              : "%d bytes of the driver".formatted(length);
      fields.add(new Field(at, V1StreamFormat.RECORD_BYTES + length, end ? "end" : "chunk", value));
      in.position(at + V1StreamFormat.RECORD_BYTES + (int) length);
    } while (type != V1StreamFormat.END);
    if (in.hasRemaining()) {
      throw fault(DeviceError.DATA_TOO_LONG, in, "goes on behind its end");
    }
    return fields;
  }

  private static void need(ByteBuffer in, int lengthBytes) throws MigrationException {
    if (in.remaining() < lengthBytes) {
      throw fault(DeviceError.DATA_CORRUPT, in, "is cut off");
    }
  }

  private static MigrationException fault(DeviceError error, ByteBuffer in, String what) {
    return new MigrationException(
        error, "at offset %d the stream %s".formatted(in.position(), what));
  }
}
