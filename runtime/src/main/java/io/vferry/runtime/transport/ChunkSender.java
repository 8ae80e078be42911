package io.vferry.runtime.transport;

import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;

/**
 * Sends chunks to the other side.
 *
 * <p>Any number of threads may send at the same time, but the chunks of one stream are offered in
 * ascending sequence: what a receiver holds to restore the order is bounded only because a chunk
 * has its credit before the next one of its stream is offered.
 */
public interface ChunkSender {

  /**
   * Queues a chunk; waits while the receiver's memory, the bandwidth limit or the queue is
   * exhausted.
   *
   * <p>The bytes are read later, without a copy: neither they nor the buffer may change until
   * {@code released} is run, or the receiver finds the checksum wrong. Memory that a running guest
   * or device may write at any time has to be copied first (see {@link ChunkPool}); a guest that is
   * stopped needs no copy.
   *
   * @param stream 0 for guest memory, 1 to {@link Chunk#MAX_STREAM} for devices
   * @param sequence place in its stream, counted from 0 without a gap
   * @param address guest physical address for stream 0, otherwise 0
   * @param payload remaining bytes, 1 to {@link Chunk#MAX_LENGTH_BYTES}; direct memory is fastest.
   *     Position and limit are not changed
   * @param released run exactly once for each call that gets a valid chunk, whether it returns or
   *     throws: when the bytes were written, or will never be; on any thread, also before this
   *     method returns; must not block or throw
   * @return what was sent, with the checksum for a {@link StreamDigest}
   * @throws MigrationException {@code TRANSPORT_*} if the session has failed or is closed
   * @throws IllegalArgumentException if a number is out of its range; nothing was sent, {@code
   *     released} is not run
   */
  Chunk send(int stream, long sequence, long address, ByteBuffer payload, Runnable released)
      throws MigrationException, InterruptedException;

  /**
   * Ends the bandwidth limit, also for those who wait for it now: the guest stands still, and
   * whoever wanted to spare the network for it waits for it too. Ending it again does nothing.
   */
  void liftBandwidthLimit();

  /**
   * Waits until everything that was queued before the call has been written to the connections;
   * that is not yet received.
   *
   * @throws MigrationException {@code TRANSPORT_*} if the session has failed or is closed
   */
  void flush() throws MigrationException, InterruptedException;
}
