package io.vferry.runtime.transport;

import io.vferry.spi.error.MigrationException;
import java.io.IOException;

/**
 * Work that goes on, cut in steps, so that a thread can run it and a test can step it. All methods
 * but {@link #name} on one thread.
 */
interface Loop {

  /** What {@link #doWork} returns when nothing is left to do, ever. */
  int FINISHED = -1;

  /** Returns what it does, for the thread's name. */
  String name();

  /**
   * Does what can be done now; waits only inside a link that waits.
   *
   * @return how much was done: 0 for nothing now, {@link #FINISHED} for nothing ever
   */
  int doWork() throws IOException, MigrationException;

  /** Waits until {@link #doWork} may find work. */
  void awaitWork() throws InterruptedException;

  /** Gives up what it holds. Called once, after the last step, whether it failed or not. */
  void finished();
}
