package io.vferry.compat.v1;

import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Takes records apart and gives a v1 driver each chunk in the size in which it was saved. Bytes go
 * from the caller's buffer straight into the driver's window.
 */
final class V1LoadStream implements LoadStream {

  private enum Part {
    START,
    DESCRIPTION,
    RECORD,
    CHUNK,
    END,
    DONE
  }

  private final V1Device device;
  private final V1DeviceAdapter adapter;
  private final V1AdapterSettings settings;
  private final Object accesses;
  private final WaitLimit limit;
  private final String what;
  private final CRC32C crc = new CRC32C();
  private ByteBuffer head = V1StreamFormat.buffer(V1StreamFormat.START_BYTES);
  private Part part = Part.START;
  private boolean chunksSummed;
  private long chunkLeftBytes;
  private long pieceOffset;
  private long pieceBytes;
  private long pieceFilledBytes;
  private long chunks;
  private long bytes;
  private @Nullable MigrationException failure;
  private volatile boolean ended;
  private volatile boolean closed;

  V1LoadStream(
      V1Device device, V1DeviceAdapter adapter, V1AdapterSettings settings, Object accesses) {
    this.device = device;
    this.adapter = adapter;
    this.settings = settings;
    this.accesses = accesses;
    this.what = "a write of data for v1 driver " + settings.driverId();
    this.limit = new WaitLimit(settings.clock(), settings.waitNanos());
  }

  @Override
  public void write(ByteBuffer from) throws MigrationException {
    synchronized (accesses) {
      if (ended || closed) {
        throw new MigrationException(
                DeviceError.SESSION_CLOSED,
                "the load session of v1 driver " + settings.driverId() + " has ended")
            .withErrno(V1Errno.ENODEV.number());
      }
      MigrationException earlier = failure;
      if (earlier != null) {
        throw again(earlier);
      }
      try {
        while (from.hasRemaining()) {
          limit.interrupting(what, () -> step(from));
        }
      } catch (MigrationException e) {
        failure = V1Errno.numbered(e);
        throw failure;
      }
    }
  }

  /** Proves that exactly one whole stream was written. */
  void proveWhole() throws MigrationException {
    synchronized (accesses) {
      MigrationException earlier = failure;
      if (earlier != null) {
        throw again(earlier);
      }
      if (part != Part.DONE) {
        throw fault(DeviceError.DATA_CORRUPT, "it ends there without an end record");
      }
    }
  }

  /** Takes some bytes; returns how many. */
  private int step(ByteBuffer from) throws MigrationException {
    if (part == Part.CHUNK) {
      return store(from);
    }
    if (part == Part.DONE) {
      throw fault(DeviceError.DATA_TOO_LONG, "bytes follow its end record");
    }
    int length = Math.min(head.remaining(), from.remaining());
    head.put(head.position(), from, from.position(), length);
    head.position(head.position() + length);
    from.position(from.position() + length);
    if (head.hasRemaining()) {
      return length;
    }
    head.flip();
    if (part != Part.END) {
      crc.update(head.duplicate());
    }
    switch (part) {
      case START -> start();
      case DESCRIPTION -> describe();
      case RECORD -> record();
      default -> checkEnd();
    }
    return length;
  }

  private void start() throws MigrationException {
    if (head.getInt() != V1StreamFormat.MAGIC) {
      throw fault(DeviceError.DATA_INCOMPATIBLE, "it is no stream of a v1 driver");
    }
    int version = head.getShort();
    int flags = head.getShort();
    int descriptionBytes = head.getInt();
    if (version != V1StreamFormat.VERSION
        || (flags & ~V1StreamFormat.CHECKSUMMED) != 0
        || head.getInt() != 0) {
      throw fault(
          DeviceError.DATA_INCOMPATIBLE,
          "its version %d or its flags %d are not known".formatted(version, flags));
    }
    if (flags != 0 && !settings.checksummed()) {
      throw fault(
          DeviceError.DATA_INCOMPATIBLE,
          "its chunks are said to prove themselves, and this driver says that its chunks do not");
    }
    chunksSummed = flags == 0;
    if (descriptionBytes < 1 || descriptionBytes > V1StreamFormat.MAX_DESCRIPTION_BYTES) {
      throw fault(
          DeviceError.DATA_CORRUPT, "its description has %d bytes".formatted(descriptionBytes));
    }
    expect(Part.DESCRIPTION, descriptionBytes);
  }

  /** Refuses another kind of device by the first bytes, while the source still runs. */
  private void describe() throws MigrationException {
    Map<String, String> theirs =
        V1StreamFormat.description(head)
            .orElseThrow(() -> fault(DeviceError.DATA_CORRUPT, "its description is damaged"));
    List<Compatibility.Difference> differences = adapter.differences(theirs);
    if (!differences.isEmpty()) {
      throw fault(
          DeviceError.DATA_INCOMPATIBLE,
          "it comes from a device that differs: "
              + differences.stream()
                  .map(
                      one ->
                          "%s is %s, and %s here"
                              .formatted(one.key(), one.source(), one.destination()))
                  .collect(Collectors.joining("; ")));
    }
    expect(Part.RECORD, V1StreamFormat.RECORD_BYTES);
  }

  private void record() throws MigrationException {
    int type = head.getInt();
    int flags = head.getInt();
    long length = head.getLong();
    if (flags != 0) {
      throw fault(DeviceError.DATA_INCOMPATIBLE, "a record has unknown flags " + flags);
    }
    if (type == V1StreamFormat.END && length == V1StreamFormat.END_BYTES) {
      expect(Part.END, V1StreamFormat.END_BYTES);
      return;
    }
    if (type != V1StreamFormat.CHUNK || length < 1) {
      throw fault(
          DeviceError.DATA_CORRUPT,
          "a record has type %d and %s bytes".formatted(type, Long.toUnsignedString(length)));
    }
    chunks++;
    chunkLeftBytes = length;
    beginPiece();
    part = Part.CHUNK;
  }

  private void beginPiece() throws MigrationException {
    pieceOffset = device.readDataOffset();
    long room = device.regionBytes() - pieceOffset;
    if (pieceOffset < V1Field.HEADER_BYTES || room < 1) {
      throw new MigrationException(
              DeviceError.DRIVER_BROKEN,
              "v1 driver %s says that its data window is at offset %s of a region of %d bytes"
                  .formatted(
                      settings.driverId(),
                      Long.toUnsignedString(pieceOffset),
                      device.regionBytes()))
          .withErrno(V1Errno.EINVAL.number());
    }
    if (chunkLeftBytes > room && !settings.splitChunks()) {
      throw new MigrationException(
              DeviceError.DATA_TOO_LONG,
              "a chunk of %d bytes was saved in one piece, and the data window here has %d"
                  .formatted(chunkLeftBytes, room))
          .withErrno(V1Errno.EMSGSIZE.number());
    }
    pieceBytes = Math.min(chunkLeftBytes, room);
    pieceFilledBytes = 0;
  }

  /** Gives a part of a chunk to the driver, after it was summed while in the core's cache. */
  private int store(ByteBuffer from) throws MigrationException {
    int most = chunksSummed ? V1StreamFormat.PIECE_BYTES : Integer.MAX_VALUE;
    int length = (int) Math.min(Math.min(from.remaining(), most), pieceBytes - pieceFilledBytes);
    ByteBuffer slice = from.slice(from.position(), length);
    if (chunksSummed) {
      crc.update(slice.duplicate());
    }
    try {
      device.writeData(pieceOffset + pieceFilledBytes, slice);
    } catch (MigrationException e) {
      throw refusal(e);
    }
    from.position(from.position() + length);
    pieceFilledBytes += length;
    bytes += length;
    if (pieceFilledBytes < pieceBytes) {
      return length;
    }
    try {
      device.writeDataSize(pieceBytes);
    } catch (MigrationException e) {
      throw refusal(e);
    }
    chunkLeftBytes -= pieceBytes;
    if (chunkLeftBytes > 0) {
      beginPiece();
    } else {
      expect(Part.RECORD, V1StreamFormat.RECORD_BYTES);
    }
    return length;
  }

  /** A v1 driver that finds fault with the data has only EINVAL to say so. */
  static MigrationException refusal(MigrationException failure) {
    boolean invalid = failure.errno().orElse(0) == V1Errno.EINVAL.number();
    if (!invalid
        || failure.code() == DeviceError.DATA_CORRUPT
        || failure.code() == DeviceError.DATA_INCOMPATIBLE
        || failure.code() == DeviceError.DATA_TOO_LONG) {
      return failure;
    }
    return new MigrationException(
            DeviceError.DATA_INCOMPATIBLE,
            "the v1 driver refuses what was loaded: " + failure.detail(),
            failure)
        .withErrno(V1Errno.EINVAL.number());
  }

  private void checkEnd() throws MigrationException {
    if (head.getLong() != chunks || head.getLong() != bytes || head.getLong() != crc.getValue()) {
      throw fault(
          DeviceError.DATA_CORRUPT,
          "its end record speaks of other data than the %d bytes in %d chunks that came"
              .formatted(bytes, chunks));
    }
    part = Part.DONE;
  }

  private void expect(Part next, int lengthBytes) {
    part = next;
    if (head.capacity() != Math.max(lengthBytes, V1StreamFormat.END_BYTES)) {
      head = V1StreamFormat.buffer(Math.max(lengthBytes, V1StreamFormat.END_BYTES));
    }
    head.clear().limit(lengthBytes);
  }

  private MigrationException fault(DeviceError error, String what) {
    return new MigrationException(
            error,
            "the data for v1 driver %s are wrong after %d bytes in %d chunks: %s"
                .formatted(settings.driverId(), bytes, chunks, what))
        .withErrno(
            error == DeviceError.DATA_TOO_LONG ? V1Errno.ENOMEM.number() : V1Errno.EINVAL.number());
  }

  private static MigrationException again(MigrationException earlier) {
    MigrationException again = new MigrationException(earlier.code(), earlier.detail(), earlier);
    return earlier.errno().isPresent() ? again.withErrno(earlier.errno().getAsInt()) : again;
  }

  /** Ends the session, so that each later write fails. */
  void end() {
    ended = true;
    limit.cut();
  }

  @Override
  public void close() {
    closed = true;
    limit.cut();
  }
}
