package io.vferry.runtime.transport;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * One connection as bytes, whatever protects it. One thread may read while another one writes; any
 * thread may close, which wakes both.
 */
interface Link {

  /**
   * Reads into the buffers, in order.
   *
   * @return how many bytes, 0 if there are none now, -1 at the end
   */
  long read(ByteBuffer[] into) throws IOException;

  /**
   * Writes from the buffers, in order.
   *
   * @return how many bytes were taken; 0 if there is no room now
   */
  long write(ByteBuffer[] from, int offset, int length) throws IOException;

  /** Says to the other side that nothing more comes. */
  void shutdownOutput() throws IOException;

  /** Returns the other side's address, for messages. */
  String peer();

  /** Closes at once; what is not written yet is lost. Never waits, never fails. */
  void close();
}
