package io.vferry.runtime.transport;

import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;

/** Takes the chunks that arrive. */
@FunctionalInterface
public interface ChunkListener {

  /**
   * Takes one chunk, whose length and checksum were proved right.
   *
   * <p>Called by the reader of each connection, so by several threads at once; the chunks of one 2
   * MiB block of guest memory come from one thread in the order they were sent, the chunks of a
   * device's stream in any order (see {@link ChunkReorderer}). It should not wait: while it does,
   * nothing else is read from that connection.
   *
   * @param payload the bytes, valid until {@code credit} is released; direct, owned by the callee
   *     until then
   * @param credit to be released when the bytes are no longer needed
   * @throws MigrationException if the chunk cannot be accepted; the session fails with this
   *     exception
   */
  void chunk(Chunk chunk, ByteBuffer payload, Credit credit) throws MigrationException;
}
