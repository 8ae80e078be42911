package io.vferry.host.linux;

import java.util.Map;

/** Error numbers of Linux, as on x86-64 and arm64: {@code include/uapi/asm-generic/errno.h}. */
final class Errno {

  static final int EPERM = 1;
  static final int ENOENT = 2;
  static final int EINTR = 4;
  static final int EIO = 5;
  static final int ENXIO = 6;
  static final int E2BIG = 7;
  static final int EBADF = 9;
  static final int EAGAIN = 11;
  static final int ENOMEM = 12;
  static final int EACCES = 13;
  static final int EFAULT = 14;
  static final int EBUSY = 16;
  static final int EEXIST = 17;
  static final int ENODEV = 19;
  static final int EINVAL = 22;
  static final int EMFILE = 24;
  static final int ENOTTY = 25;
  static final int EFBIG = 27;
  static final int ENOSPC = 28;
  static final int ENOMSG = 42;
  static final int EPROTO = 71;
  static final int EBADMSG = 74;
  static final int EOVERFLOW = 75;
  static final int EILSEQ = 84;
  static final int EOPNOTSUPP = 95;
  static final int ENOTCONN = 107;
  static final int ETIMEDOUT = 110;

  private static final Map<Integer, String> TEXTS =
      Map.ofEntries(
          Map.entry(EPERM, "EPERM, operation not permitted"),
          Map.entry(ENOENT, "ENOENT, no such file or object"),
          Map.entry(EINTR, "EINTR, interrupted"),
          Map.entry(EIO, "EIO, input/output error"),
          Map.entry(ENXIO, "ENXIO, no such device or address"),
          Map.entry(E2BIG, "E2BIG, argument too long"),
          Map.entry(EBADF, "EBADF, bad file descriptor"),
          Map.entry(EAGAIN, "EAGAIN, try again"),
          Map.entry(ENOMEM, "ENOMEM, out of memory"),
          Map.entry(EACCES, "EACCES, permission denied"),
          Map.entry(EFAULT, "EFAULT, bad address or refused data"),
          Map.entry(EBUSY, "EBUSY, in use"),
          Map.entry(EEXIST, "EEXIST, exists already"),
          Map.entry(ENODEV, "ENODEV, no such device or ended session"),
          Map.entry(EINVAL, "EINVAL, invalid argument"),
          Map.entry(EMFILE, "EMFILE, too many open files"),
          Map.entry(ENOTTY, "ENOTTY, not supported by this device"),
          Map.entry(EFBIG, "EFBIG, too large"),
          Map.entry(ENOSPC, "ENOSPC, no space left"),
          Map.entry(ENOMSG, "ENOMSG, nothing there now"),
          Map.entry(EPROTO, "EPROTO, protocol error"),
          Map.entry(EBADMSG, "EBADMSG, bad message"),
          Map.entry(EOVERFLOW, "EOVERFLOW, value too large"),
          Map.entry(EILSEQ, "EILSEQ, illegal sequence"),
          Map.entry(EOPNOTSUPP, "EOPNOTSUPP, not supported"),
          Map.entry(ENOTCONN, "ENOTCONN, not connected"),
          Map.entry(ETIMEDOUT, "ETIMEDOUT, timed out"));

  private Errno() {}

  /** Returns the name and meaning of a number, for messages. */
  static String text(int errno) {
    return TEXTS.getOrDefault(errno, "error " + errno);
  }
}
