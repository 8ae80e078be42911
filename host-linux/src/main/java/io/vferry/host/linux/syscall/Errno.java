package io.vferry.host.linux.syscall;

import java.util.Map;

/** Error numbers of Linux, as on x86-64 and arm64: {@code include/uapi/asm-generic/errno.h}. */
public final class Errno {

  public static final int EPERM = 1;
  public static final int ENOENT = 2;
  public static final int EINTR = 4;
  public static final int EIO = 5;
  public static final int ENXIO = 6;
  public static final int E2BIG = 7;
  public static final int EBADF = 9;
  public static final int EAGAIN = 11;
  public static final int ENOMEM = 12;
  public static final int EACCES = 13;
  public static final int EFAULT = 14;
  public static final int EBUSY = 16;
  public static final int EEXIST = 17;
  public static final int ENODEV = 19;
  public static final int EINVAL = 22;
  public static final int ENFILE = 23;
  public static final int EMFILE = 24;
  public static final int ENOTTY = 25;
  public static final int EFBIG = 27;
  public static final int ENOSPC = 28;
  public static final int EPIPE = 32;
  public static final int ENAMETOOLONG = 36;
  public static final int ENOSYS = 38;
  public static final int ENOMSG = 42;
  public static final int EPROTO = 71;
  public static final int EBADMSG = 74;
  public static final int EOVERFLOW = 75;
  public static final int EILSEQ = 84;
  public static final int EMSGSIZE = 90;
  public static final int EOPNOTSUPP = 95;
  public static final int EADDRINUSE = 98;
  public static final int ECONNRESET = 104;
  public static final int ENOBUFS = 105;
  public static final int ENOTCONN = 107;
  public static final int ETIMEDOUT = 110;
  public static final int ECONNREFUSED = 111;

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
          Map.entry(ETIMEDOUT, "ETIMEDOUT, timed out"),
          Map.entry(ENFILE, "ENFILE, too many open files on this host"),
          Map.entry(EPIPE, "EPIPE, the other end is closed"),
          Map.entry(ENAMETOOLONG, "ENAMETOOLONG, path too long"),
          Map.entry(ENOSYS, "ENOSYS, not implemented by this kernel"),
          Map.entry(EMSGSIZE, "EMSGSIZE, message too long"),
          Map.entry(EADDRINUSE, "EADDRINUSE, address in use"),
          Map.entry(ECONNRESET, "ECONNRESET, connection reset by the other end"),
          Map.entry(ENOBUFS, "ENOBUFS, no buffer space"),
          Map.entry(ECONNREFUSED, "ECONNREFUSED, nobody listens there"));

  private Errno() {}

  /** Returns the name and meaning of a number, for messages. */
  public static String text(int errno) {
    return TEXTS.getOrDefault(errno, "error " + errno);
  }
}
