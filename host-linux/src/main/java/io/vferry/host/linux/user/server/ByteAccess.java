package io.vferry.host.linux.user.server;

import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;

/** Bytes of a client that are reached one access at a time. */
interface ByteAccess {

  /**
   * Fills a buffer.
   *
   * @param at the first byte
   * @throws MigrationException {@code IO_FAILED} if not all of them can be read
   */
  void read(long at, ByteBuffer into) throws MigrationException;

  /**
   * Writes the remaining bytes of a buffer.
   *
   * @param at the first byte
   * @throws MigrationException {@code IO_FAILED} if not all of them can be written
   */
  void write(long at, ByteBuffer from) throws MigrationException;
}
