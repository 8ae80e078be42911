package io.vferry.spi.memory;

/**
 * A range of addresses: guest physical, or I/O virtual where the text says so.
 *
 * @param start first address, unsigned
 * @param length bytes, unsigned, at least 1; the range must not wrap. The whole 64-bit space, one
 *     byte more than this can say, is no range
 */
public record MemoryRange(long start, long length) {

  /**
   * Creates a range.
   *
   * @throws IllegalArgumentException if it is empty or wraps
   */
  public MemoryRange {
    if (length == 0) {
      throw new IllegalArgumentException("a memory range has at least one byte");
    }
    if (Long.compareUnsigned(start + (length - 1), start) < 0) {
      throw new IllegalArgumentException(
          "range of 0x%x bytes at 0x%x wraps".formatted(length, start));
    }
  }

  /** Returns the last address inside, unsigned. */
  public long last() {
    return start + (length - 1);
  }

  /** Whether {@code other} lies wholly inside. */
  public boolean contains(MemoryRange other) {
    return Long.compareUnsigned(start, other.start) <= 0
        && Long.compareUnsigned(other.last(), last()) <= 0;
  }

  /** Whether the two ranges share an address. */
  public boolean overlaps(MemoryRange other) {
    return Long.compareUnsigned(start, other.last()) <= 0
        && Long.compareUnsigned(other.start, last()) <= 0;
  }

  @Override
  public String toString() {
    return "[0x%x-0x%x]".formatted(start, last());
  }
}
