package io.vferry.spi.host;

/**
 * The time in which hardware lives. Production uses the system's; a test uses a virtual one, in
 * which nothing ever waits.
 */
public interface HostClock {

  /** A task that was scheduled. */
  @FunctionalInterface
  interface Scheduled {
    /** Makes sure that the task does not start any more; does not wait for one that runs. */
    void cancel();
  }

  /** Returns the time in nanoseconds from an arbitrary origin; never goes back. */
  long nanoTime();

  /**
   * Waits. Under a virtual clock, tasks that fall due run meanwhile.
   *
   * @param nanos 0 or more
   * @throws InterruptedException if the thread is interrupted before or while it waits
   */
  void sleep(long nanos) throws InterruptedException;

  /**
   * Runs a task once, later, on a thread of the clock. The task must not block.
   *
   * @param delayNanos 0 or more
   */
  Scheduled schedule(long delayNanos, Runnable task);
}
