package io.vferry.runtime.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.locks.LockSupport;

/** Steps each agent on a thread of its own. */
public final class AgentThreads implements AgentHost {

  private final ThreadFactory factory;
  private final List<Thread> threads = new ArrayList<>();
  private volatile boolean closed;

  /**
   * Creates a host without agents.
   *
   * @param factory makes the threads; they should be daemons, since a device may hang for ever
   */
  public AgentThreads(ThreadFactory factory) {
    this.factory = factory;
  }

  @Override
  public Waker start(Agent agent) {
    Thread thread = factory.newThread(() -> run(agent));
    thread.setName("vferry-" + agent.name());
    synchronized (threads) {
      threads.add(thread);
    }
    thread.start();
    return () -> LockSupport.unpark(thread);
  }

  private void run(Agent agent) {
    try {
      while (!closed) {
        if (!agent.step()) {
          LockSupport.parkNanos(agent.idleNanos());
          if (Thread.interrupted()) {
            return;
          }
        }
      }
    } catch (InterruptedException e) {
      // Closed.
    }
  }

  @Override
  public void runAside(Runnable task) {
    Thread thread = factory.newThread(task);
    thread.setName("vferry-aside");
    thread.start();
  }

  @Override
  public void close() {
    closed = true;
    synchronized (threads) {
      threads.forEach(Thread::interrupt);
    }
  }
}
