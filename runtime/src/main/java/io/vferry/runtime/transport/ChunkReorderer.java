package io.vferry.runtime.transport;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * Puts the chunks of one device's stream back in order, as they come from several connections.
 *
 * <p>What it holds is bounded by the credits of the session: a chunk that is held is not released.
 * It is bounded by a number too, in case the credits are tiny.
 *
 * <p>Safe for use by any number of threads. The listener is called by whichever thread brought the
 * chunk that was due, by one thread at a time, and keeps the other threads of this stream waiting.
 */
public final class ChunkReorderer implements ChunkListener {

  /** How many chunks may be ahead of the next one that is due. */
  public static final int MAX_AHEAD = 1 << 16;

  private record Held(Chunk chunk, ByteBuffer payload, Credit credit) {}

  private final int stream;
  private final ChunkListener inOrder;
  private final Map<Long, Held> ahead = new HashMap<>();
  private long next;

  /**
   * Creates the order of a new stream.
   *
   * @param inOrder gets the chunks in ascending sequence
   */
  public ChunkReorderer(int stream, ChunkListener inOrder) {
    this.stream = stream;
    this.inOrder = inOrder;
  }

  /**
   * Takes a chunk and delivers what has become due.
   *
   * @throws MigrationException {@code TRANSPORT_STREAM_BROKEN} if its sequence number came before,
   *     or is more than {@link #MAX_AHEAD} ahead; or as the listener throws
   */
  @Override
  public synchronized void chunk(Chunk chunk, ByteBuffer payload, Credit credit)
      throws MigrationException {
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
      ahead.put(sequence, new Held(chunk, payload, credit));
      return;
    }
    next++;
    inOrder.chunk(chunk, payload, credit);
    while (!ahead.isEmpty()) {
      Held due = ahead.remove(next);
      if (due == null) {
        return;
      }
      next++;
      inOrder.chunk(due.chunk, due.payload, due.credit);
    }
  }

  /** Returns how many chunks were delivered. */
  public synchronized long delivered() {
    return next;
  }

  /**
   * Ends the stream.
   *
   * @param chunks how many the sender says there were
   * @throws MigrationException {@code TRANSPORT_STREAM_BROKEN} if that is not how many were
   *     delivered
   */
  public synchronized void finish(long chunks) throws MigrationException {
    if (next != chunks || !ahead.isEmpty()) {
      throw broken(
          "%d chunks were sent, %d arrived in order and %d after a gap"
              .formatted(chunks, next, ahead.size()));
    }
  }

  /** Releases what is held and forgets it, because the stream will not go on. */
  public synchronized void discard() {
    for (Held held : ahead.values()) {
      held.credit.release();
    }
    ahead.clear();
  }

  private MigrationException broken(String what) {
    return new MigrationException(
        RuntimeError.TRANSPORT_STREAM_BROKEN, "stream %d: %s".formatted(stream, what));
  }
}
