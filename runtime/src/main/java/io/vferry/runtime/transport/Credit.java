package io.vferry.runtime.transport;

/** The right to hold the memory of one chunk. */
@FunctionalInterface
public interface Credit {

  /**
   * Gives the memory back, and so lets the sender send as much again. Any thread; never waits.
   *
   * @throws IllegalStateException if called a second time
   */
  void release();
}
