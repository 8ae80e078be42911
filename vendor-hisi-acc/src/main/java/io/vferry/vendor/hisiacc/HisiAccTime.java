package io.vferry.vendor.hisiacc;

import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import java.util.concurrent.locks.LockSupport;

/** The time in which a device lives: a model brings its own, hardware has the system's. */
interface HisiAccTime {

  /** Returns nanoseconds from an arbitrary origin. */
  long nanoTime();

  /** Waits, at least so long. */
  void sleep(long nanos) throws InterruptedException;

  /** Returns the time of a device. */
  static HisiAccTime of(HostDevice device) {
    return device.capability(HostClock.class).map(HisiAccTime::of).orElseGet(HisiAccTime::system);
  }

  private static HisiAccTime of(HostClock clock) {
    return new HisiAccTime() {
      @Override
      public long nanoTime() {
        return clock.nanoTime();
      }

      @Override
      public void sleep(long nanos) throws InterruptedException {
        clock.sleep(nanos);
      }
    };
  }

  private static HisiAccTime system() {
    return new HisiAccTime() {
      @Override
      public long nanoTime() {
        return System.nanoTime();
      }

      @Override
      public void sleep(long nanos) throws InterruptedException {
        long end = System.nanoTime() + nanos;
        for (long left = nanos; left > 0; left = end - System.nanoTime()) {
          // Thread.sleep rounds up to whole milliseconds on JDK 17.
          LockSupport.parkNanos(left);
          if (Thread.interrupted()) {
            throw new InterruptedException("interrupted while waiting for the device");
          }
        }
      }
    };
  }
}
