package io.vferry.runtime.transport;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.MigrationException;
import java.util.function.LongConsumer;

/**
 * The receiver's memory for chunks: hands it out as chunks arrive, and gives credit back in
 * batches.
 *
 * <p>Credit counts a buffer's whole size, so a flood of tiny chunks fills the window and not the
 * memory. Safe for use by any number of threads.
 */
final class CreditLedger {

  /** Batches are at most this long; what is held back never keeps a sender from its next chunk. */
  private static final long MAX_BATCH_BYTES = Chunk.MAX_LENGTH_BYTES;

  private static final int BATCHES_PER_WINDOW = 8;

  private final long windowBytes;
  private final long batchBytes;
  private final ChunkPool pool;
  private final LongConsumer giveBack;
  private long usedBytes;
  private long releasedBytes;

  /**
   * Creates a ledger of an empty window.
   *
   * @param giveBack is told how many bytes of credit the sender gets back; must not wait
   */
  CreditLedger(long windowBytes, LongConsumer giveBack) {
    this.windowBytes = windowBytes;
    this.batchBytes = Math.min(windowBytes / BATCHES_PER_WINDOW, MAX_BATCH_BYTES);
    this.pool = new ChunkPool(windowBytes);
    this.giveBack = giveBack;
  }

  /**
   * Takes memory for a chunk.
   *
   * @throws MigrationException {@code TRANSPORT_VIOLATION} if the sender had no credit for it
   */
  ChunkPool.Lease charge(Chunk chunk, String peer) throws MigrationException {
    int cost = ChunkPool.sizeForLength(chunk.lengthBytes());
    synchronized (this) {
      if (cost > windowBytes - usedBytes) {
        throw new MigrationException(
            RuntimeError.TRANSPORT_VIOLATION,
            "%s sent a chunk of %d bytes with %d of %d bytes of credit left"
                .formatted(peer, chunk.lengthBytes(), windowBytes - usedBytes, windowBytes));
      }
      usedBytes += cost;
    }
    return pool.tryAcquire(chunk.lengthBytes())
        .orElseThrow(() -> new IllegalStateException("credit without memory"));
  }

  /** Takes back the memory of a chunk. */
  void release(ChunkPool.Lease lease) {
    lease.release();
    long batch;
    synchronized (this) {
      releasedBytes += lease.sizeBytes();
      if (releasedBytes < batchBytes) {
        return;
      }
      batch = releasedBytes;
      releasedBytes = 0;
      usedBytes -= batch;
    }
    giveBack.accept(batch);
  }

  /** Returns the memory in use. */
  long heldBytes() {
    return pool.usedBytes();
  }
}
