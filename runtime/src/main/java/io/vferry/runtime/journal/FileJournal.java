package io.vferry.runtime.journal;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.MigrationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Instant;

/**
 * A journal in a file of its own: one line for each entry, {@code TIME ENTRY NOTE}.
 *
 * <p>The file gets its size when it is opened, padded with blanks, so that recording changes no
 * metadata and costs one write to the disk: it is on the way of the downtime.
 */
final class FileJournal implements Journal {

  private static final int SIZE_BYTES = 4096;
  private static final int MAX_LINE_BYTES = 512;

  private final Path file;
  private final FileChannel channel;
  private final Clock clock;
  private int position;

  private FileJournal(Path file, FileChannel channel, Clock clock) {
    this.file = file;
    this.channel = channel;
    this.clock = clock;
  }

  static FileJournal create(Path directory, String vm, String role, Clock clock)
      throws MigrationException {
    Instant now = clock.instant();
    String safeVm = vm.replaceAll("[^A-Za-z0-9_.-]", "_");
    Path file =
        directory.resolve(
            "%s-%s-%s.journal".formatted(safeVm, role, now.toString().replace(':', '-')));
    try {
      Files.createDirectories(directory);
      FileChannel channel =
          FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      byte[] blanks = " ".repeat(SIZE_BYTES - 1).concat("\n").getBytes(StandardCharsets.US_ASCII);
      channel.write(ByteBuffer.wrap(blanks), 0);
      channel.force(true);
      return new FileJournal(file, channel, clock);
    } catch (IOException e) {
      throw failed(file, e);
    }
  }

  @Override
  public void record(Entry entry, String note) throws MigrationException {
    byte[] line =
        "%s %s %s"
            .formatted(clock.instant(), entry, note.replaceAll("\\s+", " "))
            .getBytes(StandardCharsets.UTF_8);
    int length = Math.min(line.length, MAX_LINE_BYTES);
    if (position + length + 1 > SIZE_BYTES) {
      throw new MigrationException(
          RuntimeError.JOURNAL_FAILED, "journal " + file + " has no room for " + entry);
    }
    ByteBuffer bytes = ByteBuffer.allocate(length + 1).put(line, 0, length).put((byte) '\n').flip();
    try {
      while (bytes.hasRemaining()) {
        position += channel.write(bytes, position);
      }
      channel.force(false);
    } catch (IOException e) {
      throw failed(file, e);
    }
  }

  @Override
  public void close() throws MigrationException {
    try {
      channel.close();
    } catch (IOException e) {
      throw failed(file, e);
    }
  }

  private static MigrationException failed(Path file, IOException e) {
    return new MigrationException(
        RuntimeError.JOURNAL_FAILED, "journal " + file + " cannot be written: " + e, e);
  }
}
