package io.vferry.vendor.hisiacc;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;

/** Waits for hardware, in the time in which that lives. */
final class HisiAccWait {

  /** A question to the hardware. */
  @FunctionalInterface
  interface Probe {
    boolean holds() throws MigrationException;
  }

  private static final int STEPS = 50;

  private final HostClock clock;

  HisiAccWait(HostClock clock) {
    this.clock = clock;
  }

  /**
   * Asks until the answer is yes or the time is up; asks once more at the end, so that a thread
   * that was held up does not take its own delay for the device's.
   *
   * @return whether the answer was yes
   */
  boolean until(long stepNanos, long limitNanos, Probe probe) throws MigrationException {
    long start = clock.nanoTime();
    while (!probe.holds()) {
      long waited = clock.nanoTime() - start;
      if (waited >= limitNanos) {
        return probe.holds();
      }
      // What was not there soon is not asked for as often.
      pause(waited < STEPS * stepNanos ? stepNanos : STEPS * stepNanos);
    }
    return true;
  }

  /**
   * Asks once, and then so many times more until the answer is yes.
   *
   * @return whether the answer was yes
   */
  boolean times(long stepNanos, int more, Probe probe) throws MigrationException {
    for (int again = 0; !probe.holds(); again++) {
      if (again == more) {
        return false;
      }
      pause(stepNanos);
    }
    return true;
  }

  private void pause(long nanos) throws MigrationException {
    try {
      clock.sleep(nanos);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MigrationException(
          DeviceError.INTERRUPTED, "interrupted while waiting for the device", e);
    }
  }
}
