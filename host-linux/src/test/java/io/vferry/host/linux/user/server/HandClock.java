package io.vferry.host.linux.user.server;

import io.vferry.spi.host.HostClock;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/** A clock whose tasks run when a test says so, or never. */
final class HandClock implements HostClock {

  /** What is to be done later. */
  final class Later {
    final long delayNanos;
    final AtomicBoolean cancelled = new AtomicBoolean();
    private final long dueNanos;
    private final Runnable task;

    private Later(long delayNanos, Runnable task) {
      this.delayNanos = delayNanos;
      this.dueNanos = nanoTime() + delayNanos;
      this.task = task;
    }

    /** Does it at its time, on this thread, even if it was cancelled: that may come too late. */
    void now() {
      nanos.accumulateAndGet(dueNanos, Math::max);
      task.run();
    }
  }

  private final AtomicLong nanos = new AtomicLong();

  /** In the order in which it was scheduled. */
  final BlockingQueue<Later> later = new LinkedBlockingQueue<>();

  @Override
  public long nanoTime() {
    return nanos.get();
  }

  /** Lets time pass in which nothing is done. */
  void pass(long passedNanos) {
    nanos.addAndGet(passedNanos);
  }

  @Override
  public void sleep(long nanos) {
    throw new IllegalStateException("nobody waits here");
  }

  @Override
  public Scheduled schedule(long delayNanos, Runnable task) {
    Later one = new Later(delayNanos, task);
    later.add(one);
    return () -> one.cancelled.set(true);
  }
}
