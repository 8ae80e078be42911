package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file that exists only in memory, and for no longer than somebody has it open. */
final class SimSharedFile {

  private static final Path MEMORY = Path.of("/dev/shm");
  private static final int PIECE_BYTES = 1 << 20;

  private SimSharedFile() {}

  /** Whether there can be such files here. */
  static boolean possible() {
    return Files.isDirectory(MEMORY);
  }

  /**
   * Creates one, filled with zeros: memory that is not there when it is touched would end the
   * process.
   *
   * @param what it is the memory of
   */
  static RandomAccessFile create(String what, long bytes) throws MigrationException {
    RandomAccessFile file = null;
    try {
      Path path = Files.createTempFile(MEMORY, "vferry-" + what + "-", ".memory");
      try {
        file = new RandomAccessFile(path.toFile(), "rw");
      } finally {
        Files.delete(path);
      }
      byte[] zeros = new byte[(int) Math.min(PIECE_BYTES, bytes)];
      for (long at = 0; at < bytes; ) {
        int length = (int) Math.min(zeros.length, bytes - at);
        file.write(zeros, 0, length);
        at += length;
      }
      return file;
    } catch (IOException e) {
      if (file != null) {
        try {
          file.close();
        } catch (IOException suppressed) {
          e.addSuppressed(suppressed);
        }
      }
      throw new MigrationException(
          DeviceError.OUT_OF_RESOURCES,
          "no room for %d bytes of shared %s memory in %s: %s"
              .formatted(bytes, what, MEMORY, e.getMessage()),
          e);
    }
  }
}
