package io.vferry.host.linux.user.socket;

import io.vferry.host.linux.syscall.KernelError;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * A connection that cannot go on; the one remedy is to close it. Only after {@link
 * Reason#NOTHING_CAME} it is as it was.
 */
public final class ConnectionException extends Exception {

  private static final long serialVersionUID = 1;

  /** Why. */
  public enum Reason {
    /** It was closed at this end. */
    CLOSED,
    /** The other end closed it, or its process is gone. */
    PEER_GONE,
    /** No message began within the time that was asked for. */
    NOTHING_CAME,
    /** The other end did not send or take the rest of a message within the time it has. */
    TIMED_OUT,
    /** What came is no message, or more than one that is allowed. */
    BAD_MESSAGE,
    /** The kernel refuses to go on. */
    FAILED
  }

  private final Reason reason;
  private final transient Optional<ByteBuffer> header;

  /** Creates one; the message is a sentence without a full stop. */
  public ConnectionException(Reason reason, String message) {
    super(message);
    this.reason = reason;
    this.header = Optional.empty();
  }

  /** A message that is refused for the size in its header. */
  ConnectionException(String message, ByteBuffer header) {
    super(message);
    this.reason = Reason.BAD_MESSAGE;
    this.header = Optional.of(header);
  }

  ConnectionException(Reason reason, String message, KernelError cause) {
    super(message, cause);
    this.reason = reason;
    this.header = Optional.empty();
  }

  /** Returns why. */
  public Reason reason() {
    return reason;
  }

  /** Returns the header of the message that is refused for its size, if that is why. */
  public Optional<ByteBuffer> header() {
    return header;
  }
}
