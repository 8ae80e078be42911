package io.vferry.spi.host;

import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The system's time, for whatever opens devices by itself: the runtime, a test over hardware, a
 * program of a vendor. Tasks run on two threads, so that one that is late does not hold up the
 * rest.
 *
 * @since 1.1
 */
public final class SystemHostClock implements HostClock, AutoCloseable {

  private static final int THREADS = 2;

  private final ScheduledThreadPoolExecutor executor;

  /**
   * Creates the clock.
   *
   * @param threads makes its threads, which should be daemons
   */
  public SystemHostClock(ThreadFactory threads) {
    executor = new ScheduledThreadPoolExecutor(THREADS, threads);
    executor.setRemoveOnCancelPolicy(true);
    executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
  }

  @Override
  public long nanoTime() {
    return System.nanoTime();
  }

  @Override
  public void sleep(long nanos) throws InterruptedException {
    long deadline = System.nanoTime() + nanos;
    for (long left = nanos; left > 0; left = deadline - System.nanoTime()) {
      LockSupport.parkNanos(left);
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
    }
  }

  @Override
  public Scheduled schedule(long delayNanos, Runnable task) {
    Future<?> future = executor.schedule(task, delayNanos, TimeUnit.NANOSECONDS);
    return () -> future.cancel(false);
  }

  /** Ends the clock's threads; nothing that was scheduled runs any more. */
  @Override
  public void close() {
    executor.shutdownNow();
  }
}
