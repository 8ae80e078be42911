package io.vferry.host.linux.syscall;

import com.sun.jna.Native;
import com.sun.jna.Platform;
import io.vferry.spi.host.Availability;
import java.nio.ByteOrder;

/**
 * The C library, as far as VFIO and vfio-user need it.
 *
 * <p>Direct mapping with primitives only: an array would be copied whole both ways, a structure
 * would be read by reflection. C's {@code int} results are -1 on failure; whoever calls reads
 * {@link Native#getLastError()} before anything else. Functions with variable arguments are
 * declared with fixed ones, which the calling conventions of Linux on x86-64 and arm64 pass in the
 * same registers.
 */
public final class Libc {

  public static final int O_RDWR = 2;
  public static final int O_NONBLOCK = 0x800;
  public static final int O_CLOEXEC = 0x80000;
  public static final int F_GETFL = 3;
  public static final int F_SETFL = 4;
  public static final int EFD_CLOEXEC = 0x80000;
  public static final int EFD_NONBLOCK = 0x800;
  public static final int PROT_READ = 1;
  public static final int PROT_WRITE = 2;
  public static final int MAP_SHARED = 1;
  public static final long MAP_FAILED = -1;
  public static final short POLLIN = 1;
  public static final short POLLOUT = 4;
  public static final int F_DUPFD_CLOEXEC = 1030;
  public static final int MFD_CLOEXEC = 1;
  public static final int AF_UNIX = 1;
  public static final int SOCK_STREAM = 1;
  public static final int SOCK_CLOEXEC = 0x80000;
  public static final int SOL_SOCKET = 1;
  public static final int SO_SNDBUF = 7;
  public static final int SO_RCVBUF = 8;
  public static final int SO_RCVTIMEO = 20;
  public static final int SO_SNDTIMEO = 21;
  public static final int SCM_RIGHTS = 1;
  public static final int SHUT_RDWR = 2;
  public static final int MSG_CTRUNC = 8;
  public static final int MSG_DONTWAIT = 0x40;
  public static final int MSG_WAITALL = 0x100;
  public static final int MSG_NOSIGNAL = 0x4000;
  public static final int MSG_CMSG_CLOEXEC = 0x40000000;
  public static final int SC_PAGESIZE = 30;

  static {
    Native.register(Libc.class, "c");
  }

  private Libc() {}

  public static native int open(String path, int flags);

  public static native int close(int fd);

  public static native int fcntl(int fd, int command, long argument);

  public static native long read(int fd, long address, long lengthBytes);

  public static native long write(int fd, long address, long lengthBytes);

  public static native long pread(int fd, long address, long lengthBytes, long offset);

  public static native long pwrite(int fd, long address, long lengthBytes, long offset);

  public static native int ioctl(int fd, long request, long argument);

  public static native int poll(long pollfds, long count, int timeoutMillis);

  public static native long mmap(
      long address, long lengthBytes, int protection, int flags, int fd, long offset);

  public static native int munmap(long address, long lengthBytes);

  public static native int eventfd(int initial, int flags);

  public static native long sysconf(int name);

  public static native int memfd_create(String name, int flags);

  public static native int ftruncate(int fd, long lengthBytes);

  public static native int socket(int domain, int type, int protocol);

  public static native int socketpair(int domain, int type, int protocol, long twoFds);

  public static native int bind(int fd, long address, int lengthBytes);

  public static native int listen(int fd, int backlog);

  public static native int accept4(int fd, long address, long lengthBytes, int flags);

  public static native int connect(int fd, long address, int lengthBytes);

  public static native int shutdown(int fd, int how);

  public static native int setsockopt(int fd, int level, int name, long value, int lengthBytes);

  public static native long sendmsg(int fd, long message, int flags);

  public static native long recvmsg(int fd, long message, int flags);

  /** Whether calls into the C library work here. Loads the library, which takes 100 ms or so. */
  public static Availability availability() {
    if (!System.getProperty("os.name").equals("Linux")) {
      return Availability.no("this host runs " + System.getProperty("os.name") + ", not Linux");
    }
    if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      return Availability.no("this host is big endian, which is not supported");
    }
    try {
      if (!Platform.is64Bit()) {
        return Availability.no("this Java virtual machine is not a 64-bit one");
      }
      sysconf(SC_PAGESIZE);
      return Availability.yes();
    } catch (LinkageError e) {
      return Availability.no(
          "native calls do not work: " + e.getMessage() + "; see jna.tmpdir if /tmp is noexec");
    }
  }
}
