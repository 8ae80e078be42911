package io.vferry.vendor.mlx5.stream;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;

/** Why a record is refused. */
public enum RecordObjection {
  /** It is not refused. */
  NONE(DeviceError.DATA_CORRUPT, "is sound"),
  /** Longer than an image can be. */
  TOO_LONG(DeviceError.DATA_TOO_LONG, "is longer than an image can be"),
  /** An image without a byte. */
  EMPTY_IMAGE(DeviceError.DATA_CORRUPT, "is an image of 0 bytes"),
  /** Too short for what it says it is. */
  TOO_SHORT(DeviceError.DATA_CORRUPT, "is too short"),
  /** What each stream begins with, where none begins. */
  SECOND_START(DeviceError.DATA_CORRUPT, "begins a second stream inside this one"),
  /** A record that must be understood, and is not. */
  UNKNOWN_MANDATORY(
      DeviceError.DATA_INCOMPATIBLE, "is not known to this version and may not be skipped");

  private final DeviceError code;
  private final String text;

  RecordObjection(DeviceError code, String text) {
    this.code = code;
    this.text = text;
  }

  /**
   * Returns the refusal for people.
   *
   * @param offset where the record begins
   */
  public MigrationException at(long offset, RecordHeader header) {
    return new MigrationException(
        code,
        "the record at offset %d of the stream, %s of %s bytes, %s"
            .formatted(offset, header.name(), Long.toUnsignedString(header.sizeBytes()), text));
  }
}
