package io.vferry.host.linux.syscall;

import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A part of a file that is mapped into this process, shared with whoever else maps it.
 *
 * <p>Whoever uses a buffer after {@link #close} crashes the process or reads what is mapped there
 * next: the owner sees to it that nobody does.
 */
public final class MappedMemory implements AutoCloseable {

  private final long address;
  private final long lengthBytes;
  private boolean closed;

  private MappedMemory(long address, long lengthBytes) {
    this.address = address;
    this.lengthBytes = lengthBytes;
  }

  /**
   * Maps a part of a file.
   *
   * @param offset from the start of the file, a multiple of the page size
   */
  public static MappedMemory of(
      Fd file, long offset, long lengthBytes, boolean readable, boolean writable)
      throws KernelError {
    int protection = (readable ? Libc.PROT_READ : 0) | (writable ? Libc.PROT_WRITE : 0);
    return new MappedMemory(
        KernelError.check("mmap", file.mmap(lengthBytes, protection, offset)), lengthBytes);
  }

  /** Returns the address of the first byte. */
  public long address() {
    return address;
  }

  /** Returns how long it is. */
  public long lengthBytes() {
    return lengthBytes;
  }

  /**
   * Returns a part of it as direct memory in native order.
   *
   * @throws IndexOutOfBoundsException if it is not wholly inside
   */
  public ByteBuffer slice(long offset, int length) {
    if (length < 0 || offset < 0 || offset > lengthBytes - length) {
      throw new IndexOutOfBoundsException(
          length + " bytes at " + offset + " of a mapping of " + lengthBytes);
    }
    if (length == 0) {
      return ByteBuffer.allocateDirect(0).order(ByteOrder.nativeOrder());
    }
    return new Pointer(address).getByteBuffer(offset, length).order(ByteOrder.nativeOrder());
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      Libc.munmap(address, lengthBytes);
    }
  }
}
