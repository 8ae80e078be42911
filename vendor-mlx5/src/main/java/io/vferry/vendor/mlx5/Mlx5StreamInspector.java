package io.vferry.vendor.mlx5;

import io.vferry.spi.driver.StreamInspector;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.vendor.mlx5.stream.RecordHeader;
import io.vferry.vendor.mlx5.stream.RecordObjection;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** Lists the records of a stream, of this driver's or the kernel's. */
final class Mlx5StreamInspector implements StreamInspector {

  /** More fields than that help nobody, and a hostile stream could ask for any number. */
  private static final int MOST_FIELDS = 1 << 20;

  @Override
  public List<Field> inspect(ByteBuffer stream) throws MigrationException {
    ByteBuffer in = stream.slice().order(ByteOrder.LITTLE_ENDIAN);
    List<Field> fields = new ArrayList<>();
    int images = 0;
    boolean begun = false;
    int at = 0;
    while (at < in.limit()) {
      if (in.limit() - at < RecordHeader.BYTES) {
        throw corrupt("the stream ends inside the record header at offset " + at);
      }
      RecordHeader header = RecordHeader.read(in, at);
      RecordObjection objection = header.objection(begun);
      if (objection != RecordObjection.NONE) {
        throw objection.at(at, header);
      }
      int payload = at + RecordHeader.BYTES;
      if (header.sizeBytes() > in.limit() - payload) {
        throw corrupt(
            "the record at offset %d, %s, has only %d of its %d bytes"
                .formatted(at, header.name(), in.limit() - payload, header.sizeBytes()));
      }
      if (fields.size() >= MOST_FIELDS) {
        throw corrupt("the stream has more records than a migration ever writes");
      }
      fields.add(
          new Field(
              at,
              RecordHeader.BYTES,
              "record header",
              "%s, %s, %d bytes"
                  .formatted(
                      header.name(),
                      header.optional() ? "optional" : "mandatory",
                      header.sizeBytes())));
      if (header.sizeBytes() > 0) {
        fields.add(payload(in, payload, header, images));
      }
      begun |= header.known();
      images += header.tag() == RecordHeader.FW_DATA ? 1 : 0;
      at = payload + (int) header.sizeBytes();
    }
    if (images == 0) {
      throw corrupt("the stream holds no image of a device");
    }
    return List.copyOf(fields);
  }

  private static Field payload(ByteBuffer in, int at, RecordHeader header, int images) {
    long length = header.sizeBytes();
    return switch (header.tag()) {
      case RecordHeader.FW_DATA ->
          new Field(at, length, "firmware image", "number " + images + ", opaque");
      case RecordHeader.STOP_COPY_SIZE ->
          new Field(
              at,
              length,
              "stop-copy size",
              Long.toUnsignedString(in.getLong(at)) + " bytes reserved by the source");
      default -> new Field(at, length, "unknown", "");
    };
  }

  private static MigrationException corrupt(String what) {
    return new MigrationException(DeviceError.DATA_CORRUPT, what);
  }
}
