package io.vferry.runtime.transport;

import io.vferry.spi.host.HostClock;
import java.util.Comparator;
import java.util.PriorityQueue;

/** A clock that a test sets. */
final class VirtualClock implements HostClock {

  private record Task(long dueNanos, long order, Runnable work) {}

  private final PriorityQueue<Task> tasks =
      new PriorityQueue<>(Comparator.comparingLong(Task::dueNanos).thenComparing(Task::order));
  private long nowNanos;
  private long order;

  @Override
  public long nanoTime() {
    return nowNanos;
  }

  @Override
  public void sleep(long nanos) {
    advance(nanos);
  }

  @Override
  public Scheduled schedule(long delayNanos, Runnable task) {
    Task due = new Task(nowNanos + delayNanos, order++, task);
    tasks.add(due);
    return () -> tasks.remove(due);
  }

  /** Lets time pass and runs what falls due. */
  void advance(long nanos) {
    long end = nowNanos + nanos;
    while (!tasks.isEmpty() && tasks.peek().dueNanos <= end) {
      Task task = tasks.remove();
      nowNanos = task.dueNanos;
      task.work.run();
    }
    nowNanos = end;
  }
}
