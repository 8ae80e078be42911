package io.vferry.simulation;

import io.vferry.runtime.engine.Agent;
import io.vferry.runtime.engine.AgentHost;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;

/** Steps agents on the test's thread, in an order drawn from the seed. */
final class SteppedAgents implements AgentHost {

  private final List<Agent> agents = new ArrayList<>();
  private final Deque<Runnable> aside = new ArrayDeque<>();
  private final SplittableRandom random;

  SteppedAgents(SplittableRandom random) {
    this.random = random;
  }

  @Override
  public Waker start(Agent agent) {
    agents.add(agent);
    return () -> {};
  }

  @Override
  public void runAside(Runnable task) {
    aside.add(task);
  }

  /** Steps agents, beginning with a random one, until one had something to do. */
  boolean stepOne() throws InterruptedException {
    Runnable task = aside.poll();
    if (task != null) {
      task.run();
      return true;
    }
    if (agents.isEmpty()) {
      return false;
    }
    int first = random.nextInt(agents.size());
    for (int i = 0; i < agents.size(); i++) {
      if (agents.get((first + i) % agents.size()).step()) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void close() {
    agents.clear();
  }
}
