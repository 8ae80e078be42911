package io.vferry.runtime.engine;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/** What an agent was asked to do and has not done yet. Any thread puts, the agent takes. */
final class Mailbox<T> {

  private final Queue<T> queue = new ConcurrentLinkedQueue<>();
  private volatile AgentHost.@Nullable Waker waker;

  /** Says who is to be woken; what was put before counts as well. */
  void wakes(AgentHost.Waker agentWaker) {
    waker = agentWaker;
    agentWaker.wake();
  }

  void put(T item) {
    queue.add(item);
    AgentHost.Waker known = waker;
    if (known != null) {
      known.wake();
    }
  }

  @Nullable T poll() {
    return queue.poll();
  }

  boolean isEmpty() {
    return queue.isEmpty();
  }
}
