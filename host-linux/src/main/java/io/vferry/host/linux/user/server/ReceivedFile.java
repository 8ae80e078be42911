package io.vferry.host.linux.user.server;

import com.sun.jna.Pointer;
import io.vferry.host.linux.syscall.Argument;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.syscall.Libc;
import io.vferry.host.linux.syscall.MappedMemory;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.io.IOException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file descriptor that came over a socket. */
final class ReceivedFile implements ClientFile {

  /** Takes mappings away once nobody refers to them: a device may hold on to a buffer for long. */
  private static final Cleaner CLEANER = Cleaner.create();

  private static final String EVENT_COUNTER = "anon_inode:[eventfd]";

  private final Fd fd;

  /** One that is to be polled, and the number one, to be written. */
  private final Argument signal = new Argument(Fd.POLLFD_BYTES + Long.BYTES);

  ReceivedFile(Fd fd) {
    this.fd = fd;
    signal.putShort(Fd.POLLFD_EVENTS, Libc.POLLOUT).putLong(Fd.POLLFD_BYTES, 1);
  }

  /** Something about the file that {@code /proc} tells. */
  private interface Look<T> {
    T at(Path link) throws IOException;
  }

  private <T> T look(Look<T> look) throws Refusal {
    int number = fd.claim();
    if (number < 0) {
      throw new Refusal(Errno.EBADF, "the file is closed");
    }
    try {
      return look.at(Path.of("/proc/self/fd", Integer.toString(number)));
    } catch (IOException e) {
      throw Refusal.invalid("the file cannot be looked at: " + e);
    } finally {
      fd.release();
    }
  }

  @Override
  public ByteBuffer map(long offset, int lengthBytes, boolean writable) throws Refusal {
    // Memory behind the end of a file can be mapped, but not touched.
    long size = look(link -> Files.isRegularFile(link) ? Files.size(link) : -1L);
    if (size < 0) {
      throw Refusal.invalid("what came along is no file with memory");
    }
    if (offset > size - lengthBytes) {
      throw Refusal.invalid(
          "the file has 0x%x bytes; 0x%x at offset 0x%x cannot be mapped"
              .formatted(size, lengthBytes, offset));
    }
    try {
      MappedMemory mapped = MappedMemory.of(fd, offset, lengthBytes, true, writable);
      ByteBuffer memory =
          new Pointer(mapped.address())
              .getByteBuffer(0, lengthBytes)
              .order(ByteOrder.nativeOrder());
      CLEANER.register(memory, mapped::close);
      return writable ? memory : memory.asReadOnlyBuffer().order(ByteOrder.nativeOrder());
    } catch (KernelError e) {
      throw new Refusal(Errno.EINVAL, "the file cannot be mapped: " + e.getMessage());
    }
  }

  @Override
  public void read(long offset, ByteBuffer into) throws MigrationException {
    ByteBuffer bytes = ByteBuffer.allocateDirect(into.remaining());
    transfer(bytes, at -> fd.pread(at, bytes.remaining(), offset + bytes.position()));
    into.put(bytes.flip());
  }

  @Override
  public void write(long offset, ByteBuffer from) throws MigrationException {
    ByteBuffer bytes = ByteBuffer.allocateDirect(from.remaining()).put(from).flip();
    transfer(bytes, at -> fd.pwrite(at, bytes.remaining(), offset + bytes.position()));
  }

  private interface Piece {
    long at(long address);
  }

  private static void transfer(ByteBuffer bytes, Piece piece) throws MigrationException {
    while (bytes.hasRemaining()) {
      long count;
      try {
        count = piece.at(Argument.addressOf(bytes));
      } finally {
        Reference.reachabilityFence(bytes);
      }
      if (count <= 0) {
        throw new MigrationException(
            DeviceError.IO_FAILED,
            "the file of the client's memory "
                + (count == 0 ? "ends too early" : "failed: " + Errno.text((int) -count)));
      }
      bytes.position(bytes.position() + (int) count);
    }
  }

  @Override
  public void checkEventCounter() throws Refusal {
    String target = look(link -> Files.readSymbolicLink(link).toString());
    if (!target.equals(EVENT_COUNTER)) {
      throw Refusal.invalid("what came along is no event counter, but " + target);
    }
  }

  @Override
  public synchronized void signal() {
    int number = fd.claim();
    if (number < 0) {
      return;
    }
    try {
      // The client may have filled it up, and a write would wait then.
      signal.putInt(0, number).putShort(Fd.POLLFD_REVENTS, 0);
      if (Fd.poll(signal, 1, 0) == 1
          && (signal.getPollEvents(Fd.POLLFD_REVENTS) & Libc.POLLOUT) != 0) {
        fd.write(signal.address() + Fd.POLLFD_BYTES, Long.BYTES);
        signal.keep();
      }
    } finally {
      fd.release();
    }
  }

  @Override
  public void close() {
    fd.close();
  }
}
