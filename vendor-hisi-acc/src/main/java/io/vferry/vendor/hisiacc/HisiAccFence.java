package io.vferry.vendor.hisiacc;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.ResetCount;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Tells whether a function was reset since an arc began. What is under way ends then, and writes no
 * more on behalf of a life that is over. Any thread.
 */
final class HisiAccFence {

  private final ResetCount host;
  private final AtomicLong own = new AtomicLong();
  private volatile long atStart;
  private volatile long hostAtStart;

  /**
   * Creates a fence.
   *
   * @param host counts resets whoever did them, once they are over
   */
  HisiAccFence(ResetCount host) {
    this.host = host;
  }

  /** Returns how often the function was reset, as far as the host knows. */
  long resets() {
    return host.resets();
  }

  /** An arc begins. */
  void beginArc() {
    long counted = host.resets();
    hostAtStart = counted;
    atStart = own.get() + counted;
  }

  /** The driver itself begins a reset: an arc in another thread ends before the reset is over. */
  void beginReset() {
    own.incrementAndGet();
  }

  /** Returns what {@link #resets} was when the arc began. */
  long resetsAtStart() {
    return hostAtStart;
  }

  boolean broken() {
    return count() != atStart;
  }

  void requireWhole() throws MigrationException {
    if (broken()) {
      throw new MigrationException(
          DeviceError.ARC_FAILED, "the function was reset in the middle of the arc");
    }
  }

  private long count() {
    return own.get() + host.resets();
  }
}
