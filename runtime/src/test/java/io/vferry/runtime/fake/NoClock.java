package io.vferry.runtime.fake;

import io.vferry.spi.host.HostClock;

/** A clock for devices in which nothing takes time. */
public final class NoClock implements HostClock {

  @Override
  public long nanoTime() {
    return 0;
  }

  @Override
  public void sleep(long nanos) {}

  @Override
  public Scheduled schedule(long delayNanos, Runnable task) {
    throw new UnsupportedOperationException("nothing is scheduled here");
  }
}
