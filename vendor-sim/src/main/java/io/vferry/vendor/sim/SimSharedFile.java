package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file that exists only in memory, and for no longer than somebody has it open. */
final class SimSharedFile {

  private static final Path MEMORY = Path.of("/dev/shm");
  private static final int PIECE_BYTES = 1 << 20;

  private SimSharedFile() {}

  /**
   * Creates one, filled with zeros: memory that is not there when it is touched would end the
   * process.
   */
  static FileChannel create(long bytes) throws MigrationException {
    FileChannel file = null;
    try {
      Path path = Files.createTempFile(MEMORY, "vferry-guest-", ".memory");
      try {
        file = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
      } finally {
        Files.delete(path);
      }
      ByteBuffer zeros = ByteBuffer.allocateDirect(PIECE_BYTES);
      for (long at = 0; at < bytes; ) {
        zeros.clear().limit((int) Math.min(PIECE_BYTES, bytes - at));
        at += file.write(zeros, at);
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
          "no room for %d bytes of shared guest memory in %s: %s"
              .formatted(bytes, MEMORY, e.getMessage()),
          e);
    }
  }
}
