package io.vferry.vendor.mlx5.queue;

import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import java.util.concurrent.TimeUnit;

/** The time in which the hardware lives: that of a model where it offers one, else the system's. */
public interface FunctionTime {

  /** Returns the time in nanoseconds from an arbitrary origin; never goes back. */
  long nanoTime();

  /**
   * Waits.
   *
   * @param nanos 0 or more
   * @throws InterruptedException if the thread is interrupted before or while it waits
   */
  void pause(long nanos) throws InterruptedException;

  /** Returns the time of a device. */
  static FunctionTime of(HostDevice device) {
    return device
        .capability(HostClock.class)
        .<FunctionTime>map(HostTime::new)
        .orElseGet(SystemTime::new);
  }

  /** The time of a model. */
  record HostTime(HostClock clock) implements FunctionTime {
    @Override
    public long nanoTime() {
      return clock.nanoTime();
    }

    @Override
    public void pause(long nanos) throws InterruptedException {
      clock.sleep(nanos);
    }
  }

  /** The time of real hardware. */
  record SystemTime() implements FunctionTime {
    @Override
    public long nanoTime() {
      return System.nanoTime();
    }

    @Override
    public void pause(long nanos) throws InterruptedException {
      TimeUnit.NANOSECONDS.sleep(nanos);
    }
  }
}
