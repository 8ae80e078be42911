package io.vferry.runtime.journal;

import io.vferry.spi.error.MigrationException;
import java.nio.file.Path;
import java.time.Clock;

/** Keeps each journal as a file in one directory. */
public final class FileJournalStore implements JournalStore {

  private final Path directory;
  private final Clock clock;

  /**
   * Creates the store; the directory is made when it is first needed.
   *
   * @param clock for the times in the journals
   */
  public FileJournalStore(Path directory, Clock clock) {
    this.directory = directory;
    this.clock = clock;
  }

  @Override
  public Journal open(String vm, String role) throws MigrationException {
    return FileJournal.create(directory, vm, role, clock);
  }
}
