package io.vferry.host.linux.user.server;

import java.nio.ByteBuffer;

/**
 * A file that a client sent along; its bytes are counted from its start. Whoever has it closes it.
 */
interface ClientFile extends ByteAccess, AutoCloseable {

  /**
   * Maps a part of it, shared with the client.
   *
   * @return direct memory, which stays mapped as long as somebody refers to it or to a part of it,
   *     also when the file is closed; read-only unless {@code writable}
   * @throws Refusal if it cannot be mapped so
   */
  ByteBuffer map(long offset, int lengthBytes, boolean writable) throws Refusal;

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
