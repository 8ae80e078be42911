package io.vferry.compat.v1;

import io.vferry.spi.host.HostClock;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** The time of this host, for adapters: the runtime hands no clock to a driver. */
final class SystemClock implements HostClock {

  @Override
  public long nanoTime() {
    return System.nanoTime();
  }

  @Override
  public void sleep(long nanos) throws InterruptedException {
    TimeUnit.NANOSECONDS.sleep(nanos);
  }

  @Override
  public Scheduled schedule(long delayNanos, Runnable task) {
    AtomicBoolean cancelled = new AtomicBoolean();
    CompletableFuture.delayedExecutor(delayNanos, TimeUnit.NANOSECONDS)
        .execute(
            () -> {
              if (!cancelled.get()) {
                task.run();
              }
            });
    return () -> cancelled.set(true);
  }
}
