package io.vferry.runtime.report;

/** Is told how a migration goes on. Called on one thread of the runtime; must return soon. */
@FunctionalInterface
public interface ProgressListener {

  /** Called at each change of phase and state, and about ten times a second while data move. */
  void progress(MigrationStatus status);
}
