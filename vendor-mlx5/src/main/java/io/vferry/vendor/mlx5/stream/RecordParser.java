package io.vferry.vendor.mlx5.stream;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Takes a stream apart, however it is cut. Stricter than the kernel (Linux 6.12, {@code
 * drivers/vfio/pci/mlx5/main.c}, {@code mlx5vf_resume_write}): a stream that is cut off inside a
 * record, or holds no image, is not whole, and none begins inside another.
 */
public final class RecordParser {

  /** Takes what the records hold, in their order. */
  public interface Sink {
    /** Is told how much the source reserved for its stop-copy phase; untrusted, at least 0. */
    void stopCopySize(long bytes) throws MigrationException;

    /**
     * Is told that an image begins.
     *
     * @param bytes its length, 1 to {@link RecordHeader#LONGEST}
     */
    void imageBegins(long bytes) throws MigrationException;

    /** Takes the next bytes of the image; moves the position of {@code from} by {@code length}. */
    void imageBytes(ByteBuffer from, int length) throws MigrationException;

    /** Is told that all bytes of the image came. */
    void imageEnds() throws MigrationException;
  }

  private enum Part {
    HEADER,
    IMAGE,
    SIZE,
    SKIP
  }

  private final Sink sink;
  private final ByteBuffer small =
      ByteBuffer.allocate(RecordHeader.BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private Part part = Part.HEADER;
  private long left;
  private long offset;
  private long recordOffset;
  private long images;
  private boolean begun;

  /** Creates a parser at the start of a stream. */
  public RecordParser(Sink sink) {
    this.sink = sink;
  }

  /**
   * Takes all remaining bytes.
   *
   * @throws MigrationException {@code DATA_CORRUPT}, {@code DATA_INCOMPATIBLE}, {@code
   *     DATA_TOO_LONG}, or what the sink throws; the parser is of no use then
   */
  public void take(ByteBuffer from) throws MigrationException {
    ByteBuffer in = from.duplicate();
    from.position(from.limit());
    while (in.hasRemaining()) {
      int before = in.position();
      switch (part) {
        case HEADER -> header(in);
        case IMAGE -> {
          int length = (int) Math.min(left, in.remaining());
          sink.imageBytes(in, length);
          left -= length;
          if (left == 0) {
            part = Part.HEADER;
            images++;
            sink.imageEnds();
          }
        }
        case SIZE -> size(in);
        case SKIP -> skip(in);
      }
      offset += in.position() - before;
    }
  }

  private void header(ByteBuffer in) throws MigrationException {
    if (small.position() == 0) {
      recordOffset = offset;
    }
    fill(in, RecordHeader.BYTES);
    if (small.position() < RecordHeader.BYTES) {
      return;
    }
    small.clear();
    RecordHeader header = RecordHeader.read(small, 0);
    RecordObjection objection = header.objection(begun);
    if (objection != RecordObjection.NONE) {
      throw objection.at(recordOffset, header);
    }
    left = header.sizeBytes();
    begun |= header.known();
    switch (header.tag()) {
      case RecordHeader.FW_DATA -> {
        part = Part.IMAGE;
        sink.imageBegins(left);
      }
      case RecordHeader.STOP_COPY_SIZE -> part = Part.SIZE;
      default -> part = left == 0 ? Part.HEADER : Part.SKIP;
    }
  }

  private void size(ByteBuffer in) throws MigrationException {
    fill(in, RecordHeader.STOP_COPY_SIZE_BYTES);
    if (small.position() < RecordHeader.STOP_COPY_SIZE_BYTES) {
      return;
    }
    small.clear();
    left -= RecordHeader.STOP_COPY_SIZE_BYTES;
    part = left == 0 ? Part.HEADER : Part.SKIP;
    long bytes = small.getLong(0);
    sink.stopCopySize(bytes < 0 ? Long.MAX_VALUE : bytes);
  }

  private void skip(ByteBuffer in) {
    int length = (int) Math.min(left, in.remaining());
    in.position(in.position() + length);
    left -= length;
    if (left == 0) {
      part = Part.HEADER;
    }
  }

  private void fill(ByteBuffer in, int upTo) {
    int length = Math.min(upTo - small.position(), in.remaining());
    small.put(in.slice().limit(length));
    in.position(in.position() + length);
  }

  /**
   * Proves that the stream ended between records and held an image.
   *
   * @throws MigrationException {@code DATA_CORRUPT}
   */
  public void proveWhole() throws MigrationException {
    if (part != Part.HEADER || small.position() != 0) {
      throw new MigrationException(
          DeviceError.DATA_CORRUPT,
          "the stream ends after %d bytes, inside the record at offset %d"
              .formatted(offset, recordOffset));
    }
    if (images == 0) {
      throw new MigrationException(
          DeviceError.DATA_CORRUPT, "the stream of %d bytes holds no image".formatted(offset));
    }
  }
}
