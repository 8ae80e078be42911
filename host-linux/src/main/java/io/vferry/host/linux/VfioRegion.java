package io.vferry.host.linux;

import io.vferry.host.linux.syscall.Argument;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.syscall.Scratch;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.memory.MemoryRange;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.List;
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

  private final RegionMappings mappings;

  VfioRegion(String device, DeviceFd fd, DeviceFd.RegionLayout layout, Scratch scratch) {
    this.device = device;
    this.fd = fd;
    this.layout = layout;
    this.scratch = scratch;
    this.mappings =
        new RegionMappings(
            "region %d of device %s".formatted(layout.index(), device),
            layout.sizeBytes(),
            layout.readable(),
            layout.writable(),
            layout.mappable().stream()
                .map(
                    area ->
                        new RegionMappings.Area(
                            area.offset(),
                            area.lengthBytes(),
                            fd.fd(),
                            layout.fileOffset() + area.offset()))
                .toList());
  }

  @Override
  public RegionInfo info() {
    return new RegionInfo(
        layout.index(),
        layout.sizeBytes(),
        layout.readable(),
        layout.writable(),
        mappings.possible());
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
  public List<MemoryRange> mappableParts() {
    return mappings.parts();
  }

  @Override
  public Optional<ByteBuffer> map(long offset, int lengthBytes) throws MigrationException {
    return mappings.map(offset, lengthBytes);
  }

  /** Takes all mappings away. */
  void close() {
    mappings.close();
  }

  private static MigrationException bad(String sentence) {
    return new MigrationException(DeviceError.BAD_REQUEST, sentence);
  }
}
