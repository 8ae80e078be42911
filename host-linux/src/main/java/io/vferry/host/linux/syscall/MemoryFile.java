package io.vferry.host.linux.syscall;

import java.nio.ByteBuffer;

/**
 * Memory that other processes can map as well: a file that no path leads to ({@code memfd_create},
 * Linux 3.17), mapped here as a whole. Zero at first.
 */
public final class MemoryFile implements AutoCloseable {

  private final Fd fd;
  private final MappedMemory memory;

  private MemoryFile(Fd fd, MappedMemory memory) {
    this.fd = fd;
    this.memory = memory;
  }

  /**
   * Creates one.
   *
   * @param name for whoever looks into {@code /proc}
   * @param lengthBytes a multiple of the page size
   */
  public static MemoryFile create(String name, long lengthBytes) throws KernelError {
    Fd fd = new Fd(KernelError.check("memfd_create", Fd.memfd(name)));
    try {
      KernelError.check("ftruncate", fd.call(number -> Libc.ftruncate(number, lengthBytes)));
      return new MemoryFile(fd, MappedMemory.of(fd, 0, lengthBytes, true, true));
    } catch (KernelError e) {
      fd.close();
      throw e;
    }
  }

  /** Returns the file; offsets in it are those of {@link #slice}. */
  public Fd fd() {
    return fd;
  }

  /** Returns a part as direct memory in native order; valid until this is closed. */
  public ByteBuffer slice(long offset, int length) {
    return memory.slice(offset, length);
  }

  @Override
  public void close() {
    memory.close();
    fd.close();
  }
}
