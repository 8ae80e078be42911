package io.vferry.runtime;

import io.vferry.runtime.report.MigrationReport;

/** A migration that goes on by itself. Any thread. */
public interface RunningMigration {

  /** Calls the migration off if it is not too late; the guest runs on the source then. */
  void cancel();

  /**
   * Waits for the end.
   *
   * @return how it ended; a migration that failed is told so here, not by an exception
   */
  MigrationReport await() throws InterruptedException;
}
