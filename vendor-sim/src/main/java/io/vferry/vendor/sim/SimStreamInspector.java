package io.vferry.vendor.sim;

import io.vferry.spi.driver.StreamInspector;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** Lists the records of a stream of the simulated device. */
final class SimStreamInspector implements StreamInspector {

  @Override
  public List<Field> inspect(ByteBuffer stream) throws MigrationException {
    ByteBuffer in = stream.slice().order(ByteOrder.LITTLE_ENDIAN);
    List<Field> fields = new ArrayList<>();
    while (in.hasRemaining()) {
      int at = in.position();
      if (in.remaining() < SimStreamFormat.HEADER_BYTES
          || SimStreamFormat.crc(in, at, SimStreamFormat.HEADER_BYTES - Integer.BYTES)
              != in.getInt(at + SimStreamFormat.HEADER_BYTES - Integer.BYTES)) {
        throw bad(at, "no sound record header is there");
      }
      int payloadBytes = in.getInt(at + 4);
      int payloadAt = at + SimStreamFormat.HEADER_BYTES;
      if (payloadBytes < 0
          || payloadBytes > in.limit() - payloadAt - SimStreamFormat.TRAILER_BYTES) {
        throw bad(at, "the record is cut off");
      }
      if (SimStreamFormat.crc(in, payloadAt, payloadBytes) != in.getInt(payloadAt + payloadBytes)) {
        throw bad(at, "the payload of the record is damaged");
      }
      int end = payloadAt + payloadBytes + SimStreamFormat.TRAILER_BYTES;
      describe(fields, in, at, payloadAt, payloadBytes, end - at);
      in.position(end);
    }
    return List.copyOf(fields);
  }

  private static void describe(
      List<Field> fields, ByteBuffer in, int at, int payloadAt, int payloadBytes, int length)
      throws MigrationException {
    int type = in.getInt(at);
    long number = in.getLong(at + 8);
    switch (type) {
      case SimStreamFormat.START -> {
        need(at, payloadBytes, SimStreamFormat.START_BYTES);
        if (in.getLong(payloadAt) != SimStreamFormat.MAGIC) {
          throw new MigrationException(
              DeviceError.DATA_INCOMPATIBLE,
              "at offset " + at + " begins no stream of this driver");
        }
        fields.add(
            new Field(
                at,
                length,
                "start",
                "format %d.%d, model %d, firmware %d, state of %d bytes, session %016x"
                    .formatted(
                        in.getInt(payloadAt + 8),
                        in.getInt(payloadAt + 12),
                        in.getInt(payloadAt + 16),
                        in.getInt(payloadAt + 20),
                        in.getLong(payloadAt + 24),
                        in.getLong(at + 16))));
      }
      case SimStreamFormat.MEMORY -> {
        need(at, payloadBytes, SimStreamFormat.MEMORY_FIXED_BYTES);
        fields.add(
            new Field(
                at,
                length,
                "memory",
                "record %d: %d pages from page %d"
                    .formatted(number, in.getInt(payloadAt + 8), in.getLong(payloadAt))));
      }
      case SimStreamFormat.CORE ->
          fields.add(new Field(at, length, "core", "record %d".formatted(number)));
      case SimStreamFormat.END -> {
        need(at, payloadBytes, SimStreamFormat.END_BYTES);
        fields.add(
            new Field(
                at,
                length,
                "end",
                "after %d records and %d bytes of memory, digest %016x"
                    .formatted(
                        in.getLong(payloadAt),
                        in.getLong(payloadAt + 8),
                        in.getLong(payloadAt + 16))));
      }
      default -> throw bad(at, "the type of the record is " + type);
    }
  }

  private static void need(int at, int payloadBytes, int atLeast) throws MigrationException {
    if (payloadBytes < atLeast) {
      throw bad(at, "the record has only " + payloadBytes + " bytes");
    }
  }

  private static MigrationException bad(int at, String what) {
    return new MigrationException(
        DeviceError.DATA_CORRUPT, "the stream is bad at offset " + at + ": " + what);
  }
}
