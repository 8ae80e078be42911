package io.vferry.runtime.transport;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.Map;

/**
 * The digest of one stream over its chunks in order, whichever connections they came on.
 *
 * <p>It is SHA-256 over one record of 24 bytes for each chunk (sequence, address, length and
 * CRC-32C, big endian), so it costs nothing per byte. The side that sends feeds it what {@link
 * ChunkSender#send} returns, the side that receives what {@link ChunkListener#chunk} gets; chunks
 * that are ahead of their turn are kept as small records.
 *
 * <p>Safe for use by any number of threads.
 */
public final class StreamDigest {

  /** How many chunks may be ahead of the next one that is due. */
  public static final int MAX_AHEAD = 1 << 20;

  private static final int RECORD_BYTES = 24;

  private final int stream;
  private final MessageDigest sha256;
  private final ByteBuffer record = ByteBuffer.allocate(RECORD_BYTES);
  private final Map<Long, Chunk> ahead = new HashMap<>();
  private long next;

  /** Creates the digest of an empty stream. */
  public StreamDigest(int stream) {
    this.stream = stream;
    try {
      this.sha256 = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("each Java platform has SHA-256", e);
    }
  }

  /**
   * Adds a chunk.
   *
   * @throws MigrationException {@code TRANSPORT_STREAM_BROKEN} if its sequence number came before,
   *     or is more than {@link #MAX_AHEAD} ahead
   */
  public synchronized void add(Chunk chunk) throws MigrationException {
    long sequence = chunk.sequence();
    if (chunk.stream() != stream) {
      throw new IllegalArgumentException("chunk of stream " + chunk.stream() + " in " + stream);
    }
    if (sequence < next || ahead.containsKey(sequence)) {
      throw broken("chunk %d came twice".formatted(sequence));
    }
    if (sequence - next > MAX_AHEAD) {
      throw broken("chunk %d came while chunk %d was due".formatted(sequence, next));
    }
    if (sequence != next) {
      ahead.put(sequence, chunk);
      return;
    }
    Chunk due = chunk;
    while (due != null) {
      update(due);
      next++;
      due = ahead.isEmpty() ? null : ahead.remove(next);
    }
  }

  private void update(Chunk chunk) {
    record
        .clear()
        .putLong(chunk.sequence())
        .putLong(chunk.address())
        .putInt(chunk.lengthBytes())
        .putInt(chunk.crc32c())
        .flip();
    sha256.update(record);
  }

  /** Returns how many chunks there were from the start without a gap. */
  public synchronized long chunks() {
    return next;
  }

  /**
   * Ends the stream.
   *
   * @return 32 bytes
   * @throws MigrationException {@code TRANSPORT_STREAM_BROKEN} if a chunk is missing
   */
  public synchronized byte[] finish() throws MigrationException {
    if (!ahead.isEmpty()) {
      throw broken("chunk %d is missing at the end".formatted(next));
    }
    return sha256.digest();
  }

  private MigrationException broken(String what) {
    return new MigrationException(
        RuntimeError.TRANSPORT_STREAM_BROKEN, "stream %d: %s".formatted(stream, what));
  }
}
