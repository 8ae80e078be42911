package io.vferry.examples.integrator;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.journal.Journal;
import io.vferry.runtime.journal.JournalStore;
import io.vferry.spi.error.MigrationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;

/**
 * One append-only file for all migrations of a host, in place of a file for each: what this fleet's
 * monitoring already knows how to read. Any number of migrations at a time.
 */
final class FleetLedger implements JournalStore, AutoCloseable {

  private final Path file;
  private final FileChannel channel;
  private final Clock clock;

  FleetLedger(Path file, Clock clock) throws IOException {
    this.file = file;
    this.channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    this.clock = clock;
  }

  @Override
  public Journal open(String vm, String role) {
    return new Journal() {
      @Override
      public void record(Entry entry, String note) throws MigrationException {
        append("%s\t%s\t%s\t%s\t%s".formatted(clock.instant(), vm, role, entry, note));
      }

      @Override
      public void close() {
        // The ledger stays open for the other migrations.
      }
    };
  }

  /** A journal's promise: the line survives a crash of the host once this returns. */
  private synchronized void append(String line) throws MigrationException {
    ByteBuffer bytes =
        ByteBuffer.wrap(line.replace('\n', ' ').concat("\n").getBytes(StandardCharsets.UTF_8));
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(false);
    } catch (IOException e) {
      throw new MigrationException(
          RuntimeError.JOURNAL_FAILED, "ledger " + file + " cannot be written: " + e, e);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
