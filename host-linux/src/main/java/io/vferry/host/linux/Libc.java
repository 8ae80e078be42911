package io.vferry.host.linux;

import com.sun.jna.Native;
import com.sun.jna.Platform;
import io.vferry.spi.host.Availability;
import java.nio.ByteOrder;

/**
 * The C library, as far as VFIO needs it.
 *
 * <p>Direct mapping with primitives only: an array would be copied whole both ways, a structure
 * would be read by reflection. C's {@code int} results are -1 on failure; whoever calls reads
 * {@link Native#getLastError()} before anything else. Functions with variable arguments are
 * declared with fixed ones, which the calling conventions of Linux on x86-64 and arm64 pass in the
 * same registers.
 */
final class Libc {

  static final int O_RDWR = 2;
  static final int O_NONBLOCK = 0x800;
  static final int O_CLOEXEC = 0x80000;
  static final int F_GETFL = 3;
  static final int F_SETFL = 4;
  static final int EFD_CLOEXEC = 0x80000;
  static final int EFD_NONBLOCK = 0x800;
  static final int PROT_READ = 1;
  static final int PROT_WRITE = 2;
  static final int MAP_SHARED = 1;
  static final long MAP_FAILED = -1;
  static final short POLLIN = 1;
  static final short POLLOUT = 4;
  static final int SC_PAGESIZE = 30;

  static {
    Native.register(Libc.class, "c");
  }

  private Libc() {}

  static native int open(String path, int flags);

  static native int close(int fd);

  static native int fcntl(int fd, int command, long argument);

  static native long read(int fd, long address, long lengthBytes);

  static native long write(int fd, long address, long lengthBytes);

  static native long pread(int fd, long address, long lengthBytes, long offset);

  static native long pwrite(int fd, long address, long lengthBytes, long offset);

  static native int ioctl(int fd, long request, long argument);

  static native int poll(long pollfds, long count, int timeoutMillis);

  static native long mmap(
      long address, long lengthBytes, int protection, int flags, int fd, long offset);

  static native int munmap(long address, long lengthBytes);

  static native int eventfd(int initial, int flags);

  static native long sysconf(int name);

  /** Whether calls into the C library work here. Loads the library, which takes 100 ms or so. */
  static Availability availability() {
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
