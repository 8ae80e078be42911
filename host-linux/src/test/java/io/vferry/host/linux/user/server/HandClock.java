package io.vferry.host.linux.user.server;

import io.vferry.spi.host.HostClock;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;

/** A clock whose tasks run when a test says so, or never. */
final class HandClock implements HostClock {

  /** What is to be done later. */
  record Later(long delayNanos, Runnable task, AtomicBoolean cancelled) {

    /** Does it, on this thread, even if it was cancelled: that may come too late. */
    void now() {
      task.run();
    }
  }

  /** In the order in which it was scheduled. */
  final BlockingQueue<Later> later = new LinkedBlockingQueue<>();

  @Override
  public long nanoTime() {
    return 0;
  }

  @Override
  public void sleep(long nanos) {
    throw new IllegalStateException("nobody waits here");
  }

  @Override
  public Scheduled schedule(long delayNanos, Runnable task) {
    Later one = new Later(delayNanos, task, new AtomicBoolean());
    later.add(one);
    return () -> one.cancelled.set(true);
  }
}
