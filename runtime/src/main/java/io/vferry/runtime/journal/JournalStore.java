package io.vferry.runtime.journal;

import io.vferry.spi.error.MigrationException;

/**
 * Where journals are kept. A port: an integrator may keep them where the fleet's other records are.
 */
@FunctionalInterface
public interface JournalStore {

  /**
   * Opens a new journal.
   *
   * @param vm name of the virtual machine
   * @param role {@code source} or {@code destination}
   * @throws MigrationException {@code JOURNAL_FAILED}
   */
  Journal open(String vm, String role) throws MigrationException;
}
