package io.vferry.host.linux.user.socket;

import io.vferry.host.linux.syscall.Fd;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A connection over which messages go both ways, each a header of {@value #HEADER_BYTES} bytes and
 * a body, with up to {@value #MOST_FILES} files. The header holds the size of the whole message, in
 * the host's byte order, at offset {@value #SIZE_OFFSET}; nothing else in it is looked at.
 *
 * <p>Any number of threads may send, one message after the other. One thread at a time receives.
 * Any thread may close, which ends the calls that wait.
 */
public interface MessageConnection extends AutoCloseable {

  /** Size of a header. */
  int HEADER_BYTES = 16;

  /** Where in the header the size of the message is, 32 bits. */
  int SIZE_OFFSET = 4;

  /** Linux takes no more files with one message (6.12, {@code include/net/scm.h}). */
  int MOST_FILES = 253;

  /** A message is sent from no more pieces of memory than this. */
  int MOST_PARTS = 8;

  /** Waits for ever. */
  long NO_LIMIT = Long.MAX_VALUE;

  /**
   * Sends a message: header and body, cut into up to {@link #MOST_PARTS} parts in any way, and its
   * files with the first byte. The parts keep their positions; the files stay the caller's.
   *
   * @throws ConnectionException if it was not sent as a whole; the connection is then of no use
   */
  void send(List<Fd> files, ByteBuffer... parts) throws ConnectionException;

  /**
   * Waits for a message and returns it when its header is there. What is left of the last message
   * is thrown away first, its files are closed.
   *
   * @param waitNanos how long to wait for the first byte; what follows has to come without delay
   * @throws ConnectionException {@code NOTHING_CAME} if it did not come in that time, after which
   *     one can wait again
   */
  Incoming receive(long waitNanos) throws ConnectionException;

  /** Closes it; what was received and not taken is gone. */
  @Override
  void close();

  /**
   * A message on its way in. Valid until the next one is received. One thread at a time, the one
   * that receives.
   */
  interface Incoming {

    /** Returns the header, in the host's byte order. */
    ByteBuffer header();

    /** Returns how many bytes of the body have not been read yet. */
    int remainingBytes();

    /**
     * Fills a buffer with the next bytes of the body; long pieces go into direct memory without a
     * copy in between.
     *
     * @throws IllegalArgumentException if the body has fewer bytes left
     */
    void read(ByteBuffer into) throws ConnectionException;

    /**
     * Reads the rest of the body.
     *
     * @return in the host's byte order; valid until the next message is received
     */
    ByteBuffer body() throws ConnectionException;

    /**
     * Takes the files that came with the message so far; whoever takes them closes them. All that
     * are sent as the protocol wants it are there with the header.
     */
    List<Fd> takeFiles();
  }
}
