package io.vferry.host.linux.user.server;

import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;

/**
 * Memory of a client that is reached by commands of the server, one for each access. Any thread;
 * each call waits for the client's answer.
 */
interface MemoryMessages {

  /**
   * Fills a buffer.
   *
   * @param address I/O virtual
   * @throws MigrationException {@code IO_FAILED} if the client refuses, {@code TIMEOUT} if it does
   *     not answer, {@code DEVICE_LOST} if it is gone
   */
  void read(long address, ByteBuffer into) throws MigrationException;

  /**
   * Writes the remaining bytes of a buffer.
   *
   * @param address I/O virtual
   * @throws MigrationException as {@link #read}
   */
  void write(long address, ByteBuffer from) throws MigrationException;
}
