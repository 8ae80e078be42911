package io.vferry.vendor.sim;

import io.vferry.spi.host.HostClock;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.SplittableRandom;

/**
 * A virtual clock for tests: time passes only while somebody sleeps or advances it, and then all
 * that falls due runs on the calling thread. Tasks due at the same nanosecond run in an order drawn
 * from the seed, so that one seed is one interleaving.
 *
 * <p>For one thread.
 */
public final class SimClock implements HostClock {

  private static final Comparator<Entry> ORDER =
      Comparator.<Entry>comparingLong(entry -> entry.dueNanos)
          .thenComparingLong(entry -> entry.lot)
          .thenComparingLong(entry -> entry.serial);

  private final SplittableRandom random;
  private final PriorityQueue<Entry> queue = new PriorityQueue<>(ORDER);
  private long nowNanos;
  private long serial;

  /**
   * Creates a clock at time 0.
   *
   * @param seed decides the order of tasks due at the same time
   */
  public SimClock(long seed) {
    this.random = new SplittableRandom(seed);
  }

  @Override
  public long nanoTime() {
    return nowNanos;
  }

  @Override
  public void sleep(long nanos) throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("interrupted before a virtual sleep");
    }
    advance(nanos);
  }

  @Override
  public Scheduled schedule(long delayNanos, Runnable task) {
    if (delayNanos < 0) {
      throw new IllegalArgumentException("a delay of " + delayNanos + " ns lies in the past");
    }
    Entry entry = new Entry(nowNanos + delayNanos, random.nextLong(), serial++, task);
    queue.add(entry);
    return () -> queue.remove(entry);
  }

  /**
   * Lets time pass and runs what falls due, each task at its own time.
   *
   * @param nanos 0 or more
   */
  public void advance(long nanos) {
    if (nanos < 0) {
      throw new IllegalArgumentException("time does not go back by " + -nanos + " ns");
    }
    long until = nowNanos + nanos;
    for (Entry next = queue.peek(); next != null && next.dueNanos <= until; next = queue.peek()) {
      queue.remove();
      // A task may itself let time pass.
      nowNanos = Math.max(nowNanos, next.dueNanos);
      next.task.run();
    }
    nowNanos = Math.max(nowNanos, until);
  }

  /**
   * Runs the next task, and lets as much time pass as it takes to get there.
   *
   * @return whether there was one
   */
  public boolean runNext() {
    Entry next = queue.poll();
    if (next == null) {
      return false;
    }
    nowNanos = Math.max(nowNanos, next.dueNanos);
    next.task.run();
    return true;
  }

  /** Returns the number of tasks that wait. */
  public int pending() {
    return queue.size();
  }

  private record Entry(long dueNanos, long lot, long serial, Runnable task) {}
}
