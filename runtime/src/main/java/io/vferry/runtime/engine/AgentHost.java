package io.vferry.runtime.engine;

/** Steps agents. */
public interface AgentHost extends AutoCloseable {

  /** Lets somebody know that an agent has work. Any thread; never waits. */
  @FunctionalInterface
  interface Waker {
    /** Has the agent stepped soon. */
    void wake();
  }

  /** Begins to step an agent. */
  Waker start(Agent agent);

  /** Runs something once, beside the agents: for what must not wait for an agent that hangs. */
  void runAside(Runnable task);

  /** Stops stepping all agents; those that wait are interrupted. */
  @Override
  void close();
}
