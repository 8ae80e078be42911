package io.vferry.host.linux;

import com.sun.jna.Pointer;
import io.vferry.host.linux.syscall.Argument;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.syscall.Libc;
import io.vferry.host.linux.syscall.Scratch;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A region of a kernel device. The kernel turns one {@code pread} or {@code pwrite} into accesses
 * of 8, 4, 2 and 1 byte as offset and length allow, in ascending order (Linux 6.12, {@code
 * drivers/vfio/pci/vfio_pci_rdwr.c}); before about 6.10 the largest is 4.
 */
final class VfioRegion implements Region {

  private final String device;
  private final DeviceFd fd;
  private final DeviceFd.RegionLayout layout;
  private final Scratch scratch;

  /** What was mapped, by first byte and length in the region: address and length of each. */
  private final Map<DeviceFd.Area, Mapped> mapped = new HashMap<>();

  private boolean closed;

  private record Mapped(long address, long lengthBytes) {}

  VfioRegion(String device, DeviceFd fd, DeviceFd.RegionLayout layout, Scratch scratch) {
    this.device = device;
    this.fd = fd;
    this.layout = layout;
    this.scratch = scratch;
  }

  @Override
  public RegionInfo info() {
    return new RegionInfo(
        layout.index(),
        layout.sizeBytes(),
        layout.readable(),
        layout.writable(),
        !layout.mappable().isEmpty());
  }

  @Override
  public void read(long offset, ByteBuffer into) throws MigrationException {
    check(offset, into.remaining(), layout.readable(), "read");
    for (long at = offset; into.hasRemaining(); ) {
      int count =
          transferred("read", at, into.isDirect() ? readDirect(at, into) : readCopied(at, into));
      if (into.isDirect()) {
        into.position(into.position() + count);
      }
      at += count;
    }
  }

  private long readDirect(long offset, ByteBuffer into) {
    try {
      return fd.fd()
          .pread(Argument.addressOf(into), into.remaining(), layout.fileOffset() + offset);
    } finally {
      Reference.reachabilityFence(into);
    }
  }

  /** Reads what a piece of scratch memory holds and puts it into a buffer. */
  private long readCopied(long offset, ByteBuffer into) {
    Argument piece = scratch.take();
    try {
      long result =
          fd.fd()
              .pread(
                  piece.address(),
                  Math.min(into.remaining(), Scratch.BYTES),
                  layout.fileOffset() + offset);
      if (result > 0) {
        into.put(piece.bytes().limit((int) result));
      }
      return result;
    } finally {
      scratch.give(piece);
    }
  }

  @Override
  public void write(long offset, ByteBuffer from) throws MigrationException {
    check(offset, from.remaining(), layout.writable(), "written");
    for (long at = offset; from.hasRemaining(); ) {
      int count =
          transferred(
              "written", at, from.isDirect() ? writeDirect(at, from) : writeCopied(at, from));
      from.position(from.position() + count);
      at += count;
    }
  }

  private long writeDirect(long offset, ByteBuffer from) {
    try {
      return fd.fd()
          .pwrite(Argument.addressOf(from), from.remaining(), layout.fileOffset() + offset);
    } finally {
      Reference.reachabilityFence(from);
    }
  }

  private long writeCopied(long offset, ByteBuffer from) {
    Argument piece = scratch.take();
    try {
      int length = Math.min(from.remaining(), Scratch.BYTES);
      piece.bytes().put(from.duplicate().limit(from.position() + length));
      return fd.fd().pwrite(piece.address(), length, layout.fileOffset() + offset);
    } finally {
      scratch.give(piece);
    }
  }

  private void check(long offset, long lengthBytes, boolean possible, String verb)
      throws MigrationException {
    if (!possible) {
      throw bad("region %d of device %s cannot be %s".formatted(layout.index(), device, verb));
    }
    if (offset < 0 || offset > layout.sizeBytes() - lengthBytes) {
      throw bad(
          "%d bytes at offset %d of region %d of device %s cannot be %s: it has %d bytes"
              .formatted(lengthBytes, offset, layout.index(), device, verb, layout.sizeBytes()));
    }
  }

  private int transferred(String verb, long offset, long result) throws MigrationException {
    if (result > 0) {
      return (int) result;
    }
    String sentence =
        "offset %d of region %d of device %s cannot be %s"
            .formatted(offset, layout.index(), device, verb);
    if (result == 0) {
      throw new MigrationException(
          DeviceError.IO_FAILED, sentence + ": the kernel took no byte of the access");
    }
    int errno = (int) -result;
    throw new KernelError(verb.equals("read") ? "pread" : "pwrite", errno)
        .as(
            errno == Errno.ENODEV || errno == Errno.ENXIO
                ? DeviceError.DEVICE_LOST
                : DeviceError.IO_FAILED,
            sentence);
  }

  @Override
  public synchronized Optional<ByteBuffer> map(long offset, int lengthBytes)
      throws MigrationException {
    if (lengthBytes <= 0 || offset < 0 || offset > layout.sizeBytes() - lengthBytes) {
      throw bad(
          "%d bytes at offset %d of region %d of device %s cannot be mapped: it has %d bytes"
              .formatted(lengthBytes, offset, layout.index(), device, layout.sizeBytes()));
    }
    long page = IovaSpace.SMALLEST_PAGE_BYTES;
    long first = offset & -page;
    long end = (offset + lengthBytes + page - 1) & -page;
    if (layout.mappable().stream().noneMatch(area -> holds(area, first, end))) {
      return Optional.empty();
    }
    if (closed) {
      throw bad("region %d of device %s is closed".formatted(layout.index(), device));
    }
    DeviceFd.Area pages = new DeviceFd.Area(first, end - first);
    Mapped there = mapped.get(pages);
    if (there == null) {
      int protection =
          (layout.readable() ? Libc.PROT_READ : 0) | (layout.writable() ? Libc.PROT_WRITE : 0);
      long address = fd.fd().mmap(end - first, protection, layout.fileOffset() + first);
      if (address == -Errno.EINVAL || address == -Errno.EPERM || address == -Errno.ENODEV) {
        return Optional.empty();
      }
      try {
        KernelError.check("mmap", address);
      } catch (KernelError e) {
        throw e.as(
            e.errno() == Errno.ENOMEM ? DeviceError.OUT_OF_RESOURCES : DeviceError.IO_FAILED,
            "region %d of device %s cannot be mapped".formatted(layout.index(), device));
      }
      there = new Mapped(address, end - first);
      mapped.put(pages, there);
    }
    return Optional.of(new Pointer(there.address).getByteBuffer(offset - first, lengthBytes));
  }

  /** The kernel maps whole pages, so the last page of an area counts even if it is not full. */
  private static boolean holds(DeviceFd.Area area, long first, long end) {
    long page = IovaSpace.SMALLEST_PAGE_BYTES;
    return (area.offset() & (page - 1)) == 0
        && area.offset() <= first
        && end <= ((area.offset() + area.lengthBytes() + page - 1) & -page);
  }

  /** Takes all mappings away. */
  synchronized void close() {
    closed = true;
    for (Mapped piece : mapped.values()) {
      Libc.munmap(piece.address, piece.lengthBytes);
    }
    mapped.clear();
  }

  private static MigrationException bad(String sentence) {
    return new MigrationException(DeviceError.BAD_REQUEST, sentence);
  }
}
