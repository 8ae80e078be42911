package io.vferry.vendor.mlx5.stream;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The 16 bytes before each record; little endian.
 *
 * @param sizeBytes bytes that follow, unsigned
 * @param flags bit 0: may be skipped by who does not know the tag
 * @param tag what follows, unsigned
 */
public record RecordHeader(long sizeBytes, int flags, int tag) {

  /** Length of a header. */
  public static final int BYTES = 16;

  /** An image for the firmware. */
  public static final int FW_DATA = 0;

  /** How large the sender's buffer for the stop-copy phase is. */
  public static final int STOP_COPY_SIZE = 1;

  /** Length of the number in a STOP_COPY_SIZE record. */
  public static final int STOP_COPY_SIZE_BYTES = 8;

  /** Images are loaded by commands whose size field has 32 bits. */
  public static final long LONGEST = 0xffff_ffffL;

  private static final int OPTIONAL = 1;

  /** Returns the header of an image. */
  public static RecordHeader image(long sizeBytes) {
    return new RecordHeader(sizeBytes, 0, FW_DATA);
  }

  /** Reads a header. */
  public static RecordHeader read(ByteBuffer bytes, int offset) {
    ByteBuffer in = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    return new RecordHeader(in.getLong(offset), in.getInt(offset + 8), in.getInt(offset + 12));
  }

  /** Returns the bytes of the header. */
  public ByteBuffer encode() {
    return put(ByteBuffer.allocate(BYTES)).flip();
  }

  private ByteBuffer put(ByteBuffer into) {
    return into.order(ByteOrder.LITTLE_ENDIAN).putLong(sizeBytes).putInt(flags).putInt(tag);
  }

  /** Returns the record with which each stream begins. */
  public static ByteBuffer stopCopySize(long bytes) {
    ByteBuffer record = ByteBuffer.allocate(BYTES + STOP_COPY_SIZE_BYTES);
    new RecordHeader(STOP_COPY_SIZE_BYTES, OPTIONAL, STOP_COPY_SIZE).put(record);
    return record.putLong(bytes).flip();
  }

  /** Whether the record may be skipped. */
  public boolean optional() {
    return (flags & OPTIONAL) != 0;
  }

  /**
   * Says what is wrong with the record, as far as its header shows; stricter than the kernel, which
   * takes short and empty records.
   *
   * @param behind whether an image or a STOP_COPY_SIZE record stands before it in the stream
   * @return the objection, or none
   */
  public RecordObjection objection(boolean behind) {
    if (Long.compareUnsigned(sizeBytes, LONGEST) > 0) {
      return RecordObjection.TOO_LONG;
    }
    return switch (tag) {
      case FW_DATA -> sizeBytes == 0 ? RecordObjection.EMPTY_IMAGE : RecordObjection.NONE;
      case STOP_COPY_SIZE -> {
        if (sizeBytes < STOP_COPY_SIZE_BYTES) {
          yield RecordObjection.TOO_SHORT;
        }
        yield behind ? RecordObjection.SECOND_START : RecordObjection.NONE;
      }
      default -> optional() ? RecordObjection.NONE : RecordObjection.UNKNOWN_MANDATORY;
    };
  }

  /** Whether the tag is one of this version. */
  public boolean known() {
    return tag == FW_DATA || tag == STOP_COPY_SIZE;
  }

  /** Returns the tag's name. */
  public String name() {
    return switch (tag) {
      case FW_DATA -> "FW_DATA";
      case STOP_COPY_SIZE -> "STOP_COPY_SIZE";
      default -> "tag " + Integer.toUnsignedString(tag);
    };
  }
}
