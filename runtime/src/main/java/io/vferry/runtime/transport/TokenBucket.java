package io.vferry.runtime.transport;

import io.vferry.spi.host.HostClock;

/**
 * Keeps a rate. Bytes are taken first and waited for afterwards, so any length can be taken; up to
 * 1/20 s of the rate, at least the longest chunk, may be taken in a burst.
 *
 * <p>Safe for use by any number of threads.
 */
final class TokenBucket {

  private static final double NANOS_PER_SECOND = 1e9;

  private long bytesPerSecond;
  private final double burstBytes;
  private final HostClock clock;
  private double tokens;
  private long filledNanos;

  /**
   * Creates a full bucket.
   *
   * @param bytesPerSecond 0 for no limit
   */
  TokenBucket(long bytesPerSecond, HostClock clock) {
    this.bytesPerSecond = bytesPerSecond;
    this.burstBytes = Math.max(bytesPerSecond / 20.0, Chunk.MAX_LENGTH_BYTES);
    this.clock = clock;
    this.tokens = burstBytes;
    this.filledNanos = clock.nanoTime();
  }

  /** Ends the limit. */
  synchronized void lift() {
    bytesPerSecond = 0;
  }

  /** Whether there is a limit. */
  synchronized boolean limits() {
    return bytesPerSecond != 0;
  }

  /** Takes some bytes; returns how many nanoseconds to wait before they may be sent, 0 or more. */
  synchronized long take(int bytes) {
    if (bytesPerSecond == 0) {
      return 0;
    }
    long now = clock.nanoTime();
    tokens = Math.min(burstBytes, tokens + (now - filledNanos) / NANOS_PER_SECOND * bytesPerSecond);
    filledNanos = now;
    tokens -= bytes;
    return tokens >= 0 ? 0 : (long) Math.ceil(-tokens / bytesPerSecond * NANOS_PER_SECOND);
  }
}
