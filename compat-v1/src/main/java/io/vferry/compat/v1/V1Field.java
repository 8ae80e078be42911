package io.vferry.compat.v1;

import java.util.Optional;

/**
 * The fields at the start of a v1 migration region.
 *
 * <p>Source: Linux 5.10, {@code include/uapi/linux/vfio.h}, {@code struct
 * vfio_device_migration_info}.
 */
public enum V1Field {
  /** The state bits; read and written. */
  DEVICE_STATE("device_state", 0, 4),
  /** Reads 0; what is written is ignored. */
  RESERVED("reserved", 4, 4),
  /** What the device still has to hand over; reading it acknowledges the last chunk. Read only. */
  PENDING_BYTES("pending_bytes", 8, 8),
  /** Where in the region the data of this iteration lie. Read only. */
  DATA_OFFSET("data_offset", 16, 8),
  /** How many bytes lie there: read while saving, written while resuming. */
  DATA_SIZE("data_size", 24, 8);

  /** What all fields take, from the start of the region. */
  public static final int HEADER_BYTES = 32;

  private final String title;
  private final int offset;
  private final int widthBytes;

  V1Field(String title, int offset, int widthBytes) {
    this.title = title;
    this.offset = offset;
    this.widthBytes = widthBytes;
  }

  /** Returns the name in the header file. */
  public String title() {
    return title;
  }

  /** Returns the offset from the start of the region. */
  public int offset() {
    return offset;
  }

  /** Returns the only width in bytes in which it may be accessed. */
  public int widthBytes() {
    return widthBytes;
  }

  /** Returns the field that an access means: exactly one, whole. */
  public static Optional<V1Field> at(long offset, int lengthBytes) {
    for (V1Field field : values()) {
      if (field.offset == offset && field.widthBytes == lengthBytes) {
        return Optional.of(field);
      }
    }
    return Optional.empty();
  }
}
