package io.vferry.runtime.journal;

import io.vferry.spi.error.MigrationException;

/** One side's durable record of one migration. One thread at a time. */
public interface Journal extends AutoCloseable {

  /** What is recorded. */
  enum Entry {
    /** The migration began. */
    BEGIN,
    /** On the source: it never runs the guest again. On the destination: it runs the guest. */
    COMMIT,
    /** The migration ended and the guest runs where the other entries say. */
    END
  }

  /**
   * Records durably: when this returns, the entry survives a crash of the host.
   *
   * @param entry what happened
   * @param note for people, one line
   * @throws MigrationException {@code JOURNAL_FAILED}; the entry may or may not be there
   */
  void record(Entry entry, String note) throws MigrationException;

  @Override
  void close() throws MigrationException;
}
