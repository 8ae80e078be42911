package io.vferry.host.linux.syscall;

import io.vferry.spi.error.ErrorCode;
import io.vferry.spi.error.MigrationException;

/**
 * A system call that failed, or a command to a process that answers in the kernel's stead, before
 * anybody has said what that means for the device.
 */
public final class KernelError extends Exception {

  private static final long serialVersionUID = 1;

  private final String call;
  private final int errno;

  public KernelError(String call, int errno) {
    super(call + " failed: " + Errno.text(errno));
    this.call = call;
    this.errno = errno;
  }

  /** Returns the result of a call, or throws if it is an error number negated. */
  public static int check(String call, int result) throws KernelError {
    if (result < 0) {
      throw new KernelError(call, -result);
    }
    return result;
  }

  /** As {@link #check(String, int)}. */
  public static long check(String call, long result) throws KernelError {
    if (result < 0) {
      throw new KernelError(call, (int) -result);
    }
    return result;
  }

  public int errno() {
    return errno;
  }

  /**
   * Says what it means.
   *
   * @param sentence what happened to what, without a full stop; the call and its error follow
   */
  public MigrationException as(ErrorCode code, String sentence) {
    return new MigrationException(
            code, "%s (%s: %s)".formatted(sentence, call, Errno.text(errno)), this)
        .withErrno(errno);
  }
}
