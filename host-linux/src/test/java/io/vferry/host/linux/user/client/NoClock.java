package io.vferry.host.linux.user.client;

import io.vferry.spi.host.HostClock;

/** The time of a device that nobody waits for. */
enum NoClock implements HostClock {
  INSTANCE;

  @Override
  public long nanoTime() {
    throw new IllegalStateException("nobody asks for the time");
  }

  @Override
  public void sleep(long nanos) {
    throw new IllegalStateException("nobody waits");
  }

  @Override
  public Scheduled schedule(long delayNanos, Runnable task) {
    throw new IllegalStateException("nothing is to be done later");
  }
}
