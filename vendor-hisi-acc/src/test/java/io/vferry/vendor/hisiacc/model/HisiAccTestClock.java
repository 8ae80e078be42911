package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.host.HostClock;
import java.util.Comparator;
import java.util.PriorityQueue;

/** A virtual clock: time passes while somebody sleeps. For one thread. */
final class HisiAccTestClock implements HostClock {

  private record Entry(long dueNanos, long serial, Runnable task) {}

  private final PriorityQueue<Entry> queue =
      new PriorityQueue<>(
          Comparator.comparingLong(Entry::dueNanos).thenComparingLong(Entry::serial));
  private long nowNanos = 1_000;
  private long serial;

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
    Entry entry = new Entry(nowNanos + delayNanos, serial++, task);
    queue.add(entry);
    return () -> queue.remove(entry);
  }

  void advance(long nanos) {
    long until = nowNanos + nanos;
    for (Entry next = queue.peek(); next != null && next.dueNanos <= until; next = queue.peek()) {
      queue.remove();
      nowNanos = Math.max(nowNanos, next.dueNanos);
      next.task.run();
    }
    nowNanos = Math.max(nowNanos, until);
  }
}
