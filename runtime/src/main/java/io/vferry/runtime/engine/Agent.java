package io.vferry.runtime.engine;

/**
 * A part that does its work in steps. It is stepped by one thread at a time, in production by a
 * thread of its own, in a deterministic test by the test.
 */
public interface Agent {

  /** Returns the name, for threads and messages. */
  String name();

  /**
   * Does a bit of work. May wait for a device, but not for other agents, except for room to send.
   *
   * @return whether there was anything to do; if not, there is something again after the next
   *     wake-up or after {@link #idleNanos()}
   */
  boolean step() throws InterruptedException;

  /** Returns how long an agent without work may be left alone if nobody wakes it. */
  long idleNanos();
}
