package io.vferry.vendor.hisiacc.model;

/** Whether a function is paused, or on its way there. Under the chip's lock. */
final class HisiAccPause {

  private final HisiAccQuirks quirks;
  private boolean paused;
  private boolean draining;
  private long sinceNanos;
  private int drainPollsLeft;

  HisiAccPause(HisiAccQuirks quirks) {
    this.quirks = quirks;
  }

  boolean paused() {
    return paused;
  }

  boolean draining() {
    return draining;
  }

  /**
   * Whether nothing new is begun: it is paused, or will be as soon as what is at work has ended.
   */
  boolean holds() {
    return paused || draining;
  }

  /** Whether it has been paused for longer than some time. */
  boolean longerThan(long nanos, long nowNanos) {
    return paused && nowNanos - sinceNanos > nanos;
  }

  /** Returns what becomes of a doorbell now. */
  HisiAccQuirks.PausedDoorbells doorbell(HisiAccQuirks.PausedDoorbells whileHeld) {
    return holds() ? whileHeld : HisiAccQuirks.PausedDoorbells.PROCESSED;
  }

  void begin() {
    draining = true;
    drainPollsLeft = quirks.drainPolls;
  }

  /** Returns whether the hardware would call it drained now; asked once for each poll. */
  boolean drained(boolean polled) {
    if (quirks.drainNeverEnds) {
      return false;
    }
    if (polled && drainPollsLeft > 0) {
      drainPollsLeft--;
    }
    return drainPollsLeft == 0;
  }

  /** All that was at work has ended. */
  void settle(long nowNanos) {
    if (draining) {
      draining = false;
      paused = true;
      sinceNanos = nowNanos;
    }
  }

  /** It goes on, or is set up anew. */
  void lift() {
    paused = false;
    draining = false;
  }
}
