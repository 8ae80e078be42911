package io.vferry.host.linux.syscall;

import com.sun.jna.Native;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A file descriptor that is closed exactly once, and never while a call uses it: its number may
 * belong to another file the moment it is closed. A call after {@link #close} gives {@code -EBADF};
 * a close during a call takes effect when the call returns.
 *
 * <p>Calls return what the system call returns, or the error number negated. All but {@link #poll}
 * are repeated when a signal interrupts them, except {@link #ioctlOnce}.
 */
public final class Fd implements AutoCloseable {

  /** Size of {@code struct pollfd}, whose first field is the number, 32 bits. */
  public static final int POLLFD_BYTES = 8;

  /** Where in it is what to wait for, 16 bits. */
  public static final int POLLFD_EVENTS = 4;

  /** Where in it is what came, 16 bits. */
  public static final int POLLFD_REVENTS = 6;

  private static final int CLOSED = 1 << 30;

  private final int number;

  /** How many calls are under way, plus {@link #CLOSED}. */
  private final AtomicInteger users = new AtomicInteger();

  public Fd(int number) {
    if (number < 0) {
      throw new IllegalArgumentException(number + " is no file descriptor");
    }
    this.number = number;
  }

  /** Opens a file; returns its number or the error number negated. */
  public static int open(String path, int flags) {
    int fd;
    do {
      fd = error(Libc.open(path, flags | Libc.O_CLOEXEC));
    } while (fd == -Errno.EINTR);
    return fd;
  }

  /** Creates a non-blocking event counter. */
  public static int eventfd() {
    return error(Libc.eventfd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK));
  }

  /**
   * Creates a file in memory that no path leads to.
   *
   * @param name for whoever looks into {@code /proc}
   */
  public static int memfd(String name) {
    return error(Libc.memfd_create(name, Libc.MFD_CLOEXEC));
  }

  /** Creates a stream socket of this host. */
  public static int unixSocket() {
    return error(Libc.socket(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC, 0));
  }

  /**
   * Waits until one of several files has something, without limit of time.
   *
   * @param pollfds an array of {@code struct pollfd}, filled
   */
  public static int poll(Argument pollfds, int count) {
    return poll(pollfds, count, -1);
  }

  /**
   * Waits until one of several files has something.
   *
   * @param pollfds an array of {@code struct pollfd}, filled
   * @param timeoutMillis 0 to look only; negative for no limit
   */
  public static int poll(Argument pollfds, int count, int timeoutMillis) {
    int ready = error(Libc.poll(pollfds.address(), count, timeoutMillis));
    pollfds.keep();
    return ready;
  }

  /**
   * Claims the number for several calls in a row.
   *
   * @return the number, or {@code -EBADF} if this is closed; if not negative, {@link #release}
   *     follows
   */
  public int claim() {
    for (; ; ) {
      int now = users.get();
      if ((now & CLOSED) != 0) {
        return -Errno.EBADF;
      }
      if (users.compareAndSet(now, now + 1)) {
        return number;
      }
    }
  }

  /** Gives back what {@link #claim} gave. */
  public void release() {
    if (users.decrementAndGet() == CLOSED) {
      Libc.close(number);
    }
  }

  public int ioctl(int request, long argument) {
    int result;
    do {
      result = ioctlOnce(request, argument);
    } while (result == -Errno.EINTR);
    return result;
  }

  /** As {@link #ioctl}, for requests that must not be repeated blindly. */
  public int ioctlOnce(int request, long argument) {
    int fd = claim();
    if (fd < 0) {
      return fd;
    }
    try {
      return error(Libc.ioctl(fd, Integer.toUnsignedLong(request), argument));
    } finally {
      release();
    }
  }

  public int ioctl(int request, Argument argument) {
    int result = ioctl(request, argument.address());
    argument.keep();
    return result;
  }

  public int ioctlOnce(int request, Argument argument) {
    int result = ioctlOnce(request, argument.address());
    argument.keep();
    return result;
  }

  /** Passes another file's number by value, in a four-byte argument. */
  public int ioctlWithFd(int request, Fd other) {
    int fd = other.claim();
    if (fd < 0) {
      return fd;
    }
    try {
      return ioctl(request, new Argument(Integer.BYTES).putInt(0, fd));
    } finally {
      other.release();
    }
  }

  public long read(long address, long lengthBytes) {
    return call(fd -> Libc.read(fd, address, lengthBytes));
  }

  public long write(long address, long lengthBytes) {
    return call(fd -> Libc.write(fd, address, lengthBytes));
  }

  public long pread(long address, long lengthBytes, long offset) {
    return call(fd -> Libc.pread(fd, address, lengthBytes, offset));
  }

  public long pwrite(long address, long lengthBytes, long offset) {
    return call(fd -> Libc.pwrite(fd, address, lengthBytes, offset));
  }

  /** Returns a second number for the same open file, or the error number negated. */
  public int duplicate() {
    return (int) call(fd -> Libc.fcntl(fd, Libc.F_DUPFD_CLOEXEC, 0));
  }

  /** Makes reads return {@code EAGAIN} instead of waiting, where the file can do so. */
  public void setNonBlocking() {
    call(
        fd -> {
          int flags = Libc.fcntl(fd, Libc.F_GETFL, 0);
          return flags < 0 ? flags : Libc.fcntl(fd, Libc.F_SETFL, flags | Libc.O_NONBLOCK);
        });
  }

  /** Maps a part of the file, shared; returns its address or the error number negated. */
  public long mmap(long lengthBytes, int protection, long offset) {
    return call(fd -> Libc.mmap(0, lengthBytes, protection, Libc.MAP_SHARED, fd, offset));
  }

  @Override
  public void close() {
    int before = users.getAndUpdate(now -> now | CLOSED);
    if (before == 0) {
      Libc.close(number);
    }
  }

  /** A system call on a number; -1 if it failed, then nothing was called since. */
  @FunctionalInterface
  public interface Call {
    /** Makes the call. */
    long on(int fd);
  }

  /** Makes a system call, again and again while signals interrupt it. */
  public long call(Call call) {
    int fd = claim();
    if (fd < 0) {
      return fd;
    }
    try {
      for (; ; ) {
        long result = call.on(fd);
        if (result != -1) {
          return result;
        }
        int errno = Native.getLastError();
        if (errno != Errno.EINTR) {
          return -errno;
        }
      }
    } finally {
      release();
    }
  }

  private static int error(int result) {
    return result < 0 ? -Native.getLastError() : result;
  }
}
