package io.vferry.runtime.transport;

/**
 * What is known about a piece of a stream beside its bytes.
 *
 * @param stream 0 for guest memory, 1 to {@link #MAX_STREAM} for devices
 * @param sequence place in its stream, counted from 0 without a gap
 * @param address guest physical address of the first byte if the stream is 0; otherwise 0
 * @param lengthBytes 1 to {@link #MAX_LENGTH_BYTES}
 * @param crc32c CRC-32C (RFC 3720, appendix B.4) of the bytes
 */
public record Chunk(int stream, long sequence, long address, int lengthBytes, int crc32c) {

  /** The stream of guest memory. */
  public static final int MEMORY_STREAM = 0;

  /** The highest stream number. */
  public static final int MAX_STREAM = 4095;

  /** The longest chunk in bytes. */
  public static final int MAX_LENGTH_BYTES = 1 << 20;

  /**
   * The length in bytes to cut streams into. One block of this length stays in a core's second
   * level cache from the read to the write; smaller blocks cost more system calls, and from 1 MiB
   * on the measured throughput of a socket falls.
   */
  public static final int DEFAULT_LENGTH_BYTES = 256 << 10;

  /**
   * Guest memory of one aligned block of this many bytes always travels on one connection, so that
   * an older version of a page never overtakes a newer one. A chunk of guest memory must not cross
   * the border of such a block.
   */
  public static final int MEMORY_BLOCK_BYTES = 2 << 20;

  /**
   * Checks the ranges.
   *
   * @throws IllegalArgumentException naming the component that is out of range
   */
  public Chunk {
    if (stream < 0 || stream > MAX_STREAM) {
      throw new IllegalArgumentException("stream " + stream + " is not in 0.." + MAX_STREAM);
    }
    if (sequence < 0) {
      throw new IllegalArgumentException("sequence " + sequence + " is negative");
    }
    if (lengthBytes < 1 || lengthBytes > MAX_LENGTH_BYTES) {
      throw new IllegalArgumentException(
          "length " + lengthBytes + " is not in 1.." + MAX_LENGTH_BYTES);
    }
    if (stream != MEMORY_STREAM && address != 0) {
      throw new IllegalArgumentException(
          "address 0x%x in stream %d, which is not guest memory".formatted(address, stream));
    }
    if (stream == MEMORY_STREAM
        && (address & (MEMORY_BLOCK_BYTES - 1)) + lengthBytes > MEMORY_BLOCK_BYTES) {
      throw new IllegalArgumentException(
          "%d bytes at 0x%x cross a border of %d bytes"
              .formatted(lengthBytes, address, MEMORY_BLOCK_BYTES));
    }
  }
}
