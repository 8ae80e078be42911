package io.vferry.tck;

import io.vferry.spi.host.HostClock;
import java.util.Comparator;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/** Time that passes only while somebody sleeps in it; what falls due runs on that thread. */
final class VirtualClock implements HostClock {

  private record Entry(long dueNanos, long serial, Runnable task) {}

  private final PriorityQueue<Entry> queue =
      new PriorityQueue<>(
          Comparator.comparingLong(Entry::dueNanos).thenComparingLong(Entry::serial));
  private long nowNanos;
  private long serial;

  @Override
  public synchronized long nanoTime() {
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
  public synchronized Scheduled schedule(long delayNanos, Runnable task) {
    Entry entry = new Entry(nowNanos + delayNanos, serial++, task);
    queue.add(entry);
    return () -> cancel(entry);
  }

  private synchronized void cancel(Entry entry) {
    queue.remove(entry);
  }

  void advance(long nanos) {
    long until;
    synchronized (this) {
      until = nowNanos + nanos;
    }
    for (Entry next = due(until); next != null; next = due(until)) {
      next.task.run();
    }
    synchronized (this) {
      nowNanos = Math.max(nowNanos, until);
    }
  }

  private synchronized @Nullable Entry due(long until) {
    Entry next = queue.peek();
    if (next == null || next.dueNanos > until) {
      return null;
    }
    queue.remove();
    nowNanos = Math.max(nowNanos, next.dueNanos);
    return next;
  }
}
