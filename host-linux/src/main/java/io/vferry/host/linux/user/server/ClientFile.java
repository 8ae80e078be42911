package io.vferry.host.linux.user.server;

import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;

/** A file that a client sent along. Whoever has it closes it. */
interface ClientFile extends AutoCloseable {

  /**
   * Maps a part of it, shared with the client.
   *
   * @return direct memory, which stays mapped as long as somebody refers to it or to a part of it,
   *     also when the file is closed; read-only unless {@code writable}
   * @throws Refusal if it cannot be mapped so
   */
  ByteBuffer map(long offset, int lengthBytes, boolean writable) throws Refusal;

  /**
   * Fills a buffer from the file.
   *
   * @throws MigrationException {@code IO_FAILED}, also if the file ends before
   */
  void read(long offset, ByteBuffer into) throws MigrationException;

  /**
   * Writes the remaining bytes of a buffer to the file.
   *
   * @throws MigrationException {@code IO_FAILED}
   */
  void write(long offset, ByteBuffer from) throws MigrationException;

  /**
   * Checks that it is an event counter.
   *
   * @throws Refusal if it is not
   */
  void checkEventCounter() throws Refusal;

  /** Signals the event counter; does not wait. */
  void signal();

  @Override
  void close();
}
