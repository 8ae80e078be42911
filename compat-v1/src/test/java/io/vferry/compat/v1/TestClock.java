package io.vferry.compat.v1;

import io.vferry.spi.host.HostClock;

/** Time that passes only while somebody sleeps. */
final class TestClock implements HostClock {

  private long nowNanos;

  @Override
  public long nanoTime() {
    return nowNanos;
  }

  @Override
  public void sleep(long nanos) {
    nowNanos += nanos;
  }

  @Override
  public Scheduled schedule(long delayNanos, Runnable task) {
    return () -> {};
  }
}
