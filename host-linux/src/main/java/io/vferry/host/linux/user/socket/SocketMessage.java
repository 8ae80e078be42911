package io.vferry.host.linux.user.socket;

import io.vferry.host.linux.syscall.Argument;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.Libc;
import java.util.ArrayList;
import java.util.List;

/**
 * The argument of {@code sendmsg} and {@code recvmsg}: {@code struct msghdr} with its pieces of
 * memory and its control data, laid out as on each 64-bit Linux (6.12, {@code
 * include/linux/socket.h}).
 */
final class SocketMessage {

  private static final int NAME_LENGTH = 8;
  private static final int IOV = 16;
  private static final int IOV_COUNT = 24;
  private static final int CONTROL = 32;
  private static final int CONTROL_LENGTH = 40;
  private static final int FLAGS = 48;
  private static final int MSGHDR_BYTES = 56;

  private static final int IOVEC_BYTES = 16;
  private static final int IOVEC_LENGTH = 8;

  private static final int CMSG_LEVEL = 8;
  private static final int CMSG_TYPE = 12;
  private static final int CMSG_DATA = 16;

  private static final int CONTROL_BYTES =
      aligned(CMSG_DATA + MessageConnection.MOST_FILES * Integer.BYTES);
  private static final int CONTROL_AT = MSGHDR_BYTES + MessageConnection.MOST_PARTS * IOVEC_BYTES;

  private final Argument memory = new Argument(CONTROL_AT + CONTROL_BYTES);
  private int parts;

  SocketMessage() {
    memory.putLong(IOV, memory.address() + MSGHDR_BYTES);
  }

  private static int aligned(int bytes) {
    return (bytes + Long.BYTES - 1) & -Long.BYTES;
  }

  /** Begins anew, without memory. */
  void clear() {
    parts = 0;
  }

  /** Adds a piece of memory, which the caller keeps alive. */
  void add(long address, long lengthBytes) {
    if (parts == MessageConnection.MOST_PARTS) {
      throw new IllegalArgumentException(
          "a message has at most " + MessageConnection.MOST_PARTS + " parts");
    }
    int at = MSGHDR_BYTES + parts * IOVEC_BYTES;
    memory.putLong(at, address).putLong(at + IOVEC_LENGTH, lengthBytes);
    parts++;
  }

  /** Takes bytes from the front that were sent; returns whether any are left. */
  boolean advance(long sentBytes) {
    long left = sentBytes;
    int gone = 0;
    while (gone < parts && left >= length(gone)) {
      left -= length(gone);
      gone++;
    }
    for (int i = gone; i < parts; i++) {
      int from = MSGHDR_BYTES + i * IOVEC_BYTES;
      long skip = i == gone ? left : 0;
      int to = MSGHDR_BYTES + (i - gone) * IOVEC_BYTES;
      memory
          .putLong(to, memory.getLong(from) + skip)
          .putLong(to + IOVEC_LENGTH, memory.getLong(from + IOVEC_LENGTH) - skip);
    }
    parts -= gone;
    return parts > 0;
  }

  private long length(int part) {
    return memory.getLong(MSGHDR_BYTES + part * IOVEC_BYTES + IOVEC_LENGTH);
  }

  /**
   * Sends once.
   *
   * @param numbers of the files to send along
   * @return how many bytes were sent, or the error number negated
   */
  long send(Fd socket, int[] numbers) {
    head();
    if (numbers.length > 0) {
      int length = CMSG_DATA + numbers.length * Integer.BYTES;
      memory
          .putLong(CONTROL, memory.address() + CONTROL_AT)
          .putLong(CONTROL_LENGTH, aligned(length))
          .putLong(CONTROL_AT, length)
          .putInt(CONTROL_AT + CMSG_LEVEL, Libc.SOL_SOCKET)
          .putInt(CONTROL_AT + CMSG_TYPE, Libc.SCM_RIGHTS);
      for (int i = 0; i < numbers.length; i++) {
        memory.putInt(CONTROL_AT + CMSG_DATA + i * Integer.BYTES, numbers[i]);
      }
    } else {
      memory.putLong(CONTROL, 0).putLong(CONTROL_LENGTH, 0);
    }
    long sent = socket.call(fd -> Libc.sendmsg(fd, memory.address(), Libc.MSG_NOSIGNAL));
    memory.keep();
    return sent;
  }

  /**
   * Receives once; the files are asked for with {@link #files} afterwards.
   *
   * @return how many bytes came, 0 if the other end is closed, or the error number negated
   */
  long receive(Fd socket, int flags) {
    head();
    memory
        .putLong(CONTROL, memory.address() + CONTROL_AT)
        .putLong(CONTROL_LENGTH, CONTROL_BYTES)
        .putInt(FLAGS, 0);
    long received =
        socket.call(fd -> Libc.recvmsg(fd, memory.address(), flags | Libc.MSG_CMSG_CLOEXEC));
    memory.keep();
    return received;
  }

  private void head() {
    memory.putLong(0, 0).putInt(NAME_LENGTH, 0).putLong(IOV_COUNT, parts);
  }

  /** Returns the files that the last receive brought. */
  List<Fd> files() {
    long end = Math.min(memory.getLong(CONTROL_LENGTH), CONTROL_BYTES);
    if (end < CMSG_DATA) {
      return List.of();
    }
    List<Fd> files = new ArrayList<>();
    for (long at = 0; at + CMSG_DATA <= end; ) {
      int from = CONTROL_AT + (int) at;
      long length = Math.min(memory.getLong(from), end - at);
      if (length < CMSG_DATA) {
        break;
      }
      if (memory.getInt(from + CMSG_LEVEL) == Libc.SOL_SOCKET
          && memory.getInt(from + CMSG_TYPE) == Libc.SCM_RIGHTS) {
        for (int i = CMSG_DATA; i + Integer.BYTES <= length; i += Integer.BYTES) {
          files.add(new Fd(memory.getInt(from + i)));
        }
      }
      at += aligned((int) length);
    }
    return files;
  }

  /** Whether files of the last receive were lost, for want of room or of free numbers. */
  boolean filesLost() {
    return (memory.getInt(FLAGS) & Libc.MSG_CTRUNC) != 0;
  }

  /** Returns the numbers of files, claimed; {@link #release} follows. */
  static int[] claim(List<Fd> files) {
    int[] numbers = new int[files.size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = files.get(i).claim();
      if (numbers[i] < 0) {
        release(files.subList(0, i));
        return new int[] {-Errno.EBADF};
      }
    }
    return numbers;
  }

  static void release(List<Fd> files) {
    files.forEach(Fd::release);
  }
}
