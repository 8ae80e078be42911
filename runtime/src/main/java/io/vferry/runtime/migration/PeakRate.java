package io.vferry.runtime.migration;

/**
 * The best rate at which data moved for a while. A while is so long, and so many bytes, that
 * neither what fits into buffers on the way counts for much, nor that several reports may come at
 * once.
 */
final class PeakRate {

  private static final long WINDOW_BYTES = 16 << 20;
  private static final long WINDOW_NANOS = 250_000_000;

  private boolean moving;
  private long beganNanos;
  private long bytes;
  private double bestBytesPerSecond;

  /** Data begin to move after a time in which none needed to. */
  void begin(long nowNanos) {
    moving = true;
    beganNanos = nowNanos;
    bytes = 0;
  }

  /** So many bytes moved since the last time. */
  void moved(long count, long nowNanos) {
    bytes += count;
    if (moving && bytes >= WINDOW_BYTES && nowNanos - beganNanos >= WINDOW_NANOS) {
      bestBytesPerSecond = Math.max(bestBytesPerSecond, bytes * 1e9 / (nowNanos - beganNanos));
      begin(nowNanos);
    }
  }

  /** Data stop moving; the time until they begin again does not count. */
  void end() {
    moving = false;
  }

  /** Returns the best rate, 0 if there was none. */
  double bytesPerSecond() {
    return bestBytesPerSecond;
  }
}
