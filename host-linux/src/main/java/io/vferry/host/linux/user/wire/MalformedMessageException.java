package io.vferry.host.linux.user.wire;

/** A message that breaks the protocol. Its sender is told the error number. */
public final class MalformedMessageException extends Exception {

  private static final long serialVersionUID = 1;

  private final int errno;

  /**
   * Creates an exception.
   *
   * @param errno what the sender is told, a number of Linux
   * @param detail one sentence without a full stop: what is wrong with which message
   */
  public MalformedMessageException(int errno, String detail) {
    super(detail);
    this.errno = errno;
  }

  /** Returns what the sender is told, a number of Linux. */
  public int errno() {
    return errno;
  }
}
