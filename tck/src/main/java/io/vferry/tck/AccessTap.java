package io.vferry.tck;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import org.jspecify.annotations.Nullable;

/**
 * Stands between a driver and its host at each access: counts, lets one fail, or holds one up. Any
 * thread.
 */
final class AccessTap {

  private static final int NEVER = -1;

  private boolean counting;
  private int count;
  private int failAt = NEVER;
  private int goneFrom = NEVER;
  private HostWatch.Loss loss = HostWatch.Loss.NONE;
  private String failed = "";
  private @Nullable Gate gate;

  /** Counts from now on; the access of the given number, from 0, fails. */
  synchronized void failAt(int number) {
    counting = true;
    count = 0;
    failAt = number;
    failed = "";
  }

  /** Counts from now on; from the access of the given number on, from 0, the device is gone. */
  synchronized void goneFrom(int number, HostWatch.Loss how) {
    failAt(NEVER);
    goneFrom = number;
    loss = how;
  }

  /** Returns what became of the device. */
  synchronized HostWatch.Loss loss() {
    return goneFrom != NEVER && count > goneFrom ? loss : HostWatch.Loss.NONE;
  }

  /** Counts from now on. */
  void count() {
    failAt(NEVER);
  }

  /** Stops counting and returns how many accesses there were. */
  synchronized int stop() {
    counting = goneFrom != NEVER;
    failAt = NEVER;
    return count;
  }

  /** Returns which access was made to fail since {@link #failAt}; empty if none was. */
  synchronized String failed() {
    return failed;
  }

  /** Holds up the next access until the gate is opened. */
  synchronized void hold(Gate next) {
    gate = next;
  }

  /** Opens the gate behind which an access waits. */
  synchronized void letGo() {
    if (gate != null) {
      gate.open();
    }
  }

  void touch(String what) throws MigrationException {
    Gate closed = null;
    synchronized (this) {
      if (gate != null && gate.claim()) {
        closed = gate;
      }
      if (counting) {
        boolean fails = count == failAt;
        count++;
        if (fails) {
          failed = what;
          throw new MigrationException(
              DeviceError.IO_FAILED, "the kit let this access fail: " + what);
        }
      }
    }
    if (closed != null) {
      closed.await();
    }
  }
}
