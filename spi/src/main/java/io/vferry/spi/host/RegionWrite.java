package io.vferry.spi.host;

import java.nio.ByteBuffer;

/**
 * One of several writes to a region, see {@link Region#writeAll}.
 *
 * @param offset from the start of the region
 * @param bytes what is written: its remaining bytes, 1 to {@value #MAX_BYTES}, as they shall lie in
 *     the region
 * @since 1.1
 */
public record RegionWrite(long offset, ByteBuffer bytes) {

  /** The most bytes of one write. */
  public static final int MAX_BYTES = 8;

  /**
   * Creates a write; the position of the buffer stays where it is.
   *
   * @throws IllegalArgumentException if there are too few bytes or too many
   */
  public RegionWrite {
    if (!bytes.hasRemaining() || bytes.remaining() > MAX_BYTES) {
      throw new IllegalArgumentException(
          "%d bytes in one of several writes; 1 to %d are possible"
              .formatted(bytes.remaining(), MAX_BYTES));
    }
    bytes = bytes.asReadOnlyBuffer();
  }

  /** Returns the bytes, in a buffer of its own. */
  @Override
  public ByteBuffer bytes() {
    return bytes.duplicate();
  }
}
