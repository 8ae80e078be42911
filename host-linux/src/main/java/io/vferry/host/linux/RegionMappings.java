package io.vferry.host.linux;

import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.syscall.MappedMemory;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The parts of a region that are mapped into this process, and those that could be. */
public final class RegionMappings implements AutoCloseable {

  /**
   * A part that can be mapped.
   *
   * @param offset from the start of the region
   * @param lengthBytes how long it is
   * @param file through which it is mapped; stays the owner's
   * @param fileOffset where in the file the part begins
   */
  public record Area(long offset, long lengthBytes, Fd file, long fileOffset) {}

  private record Pages(long first, long lengthBytes) {}

  private final String region;
  private final long sizeBytes;
  private final boolean readable;
  private final boolean writable;
  private final List<Area> areas;
  private final Map<Pages, MappedMemory> mapped = new HashMap<>();
  private boolean closed;

  /**
   * Creates one in which nothing is mapped yet.
   *
   * @param region for messages
   */
  public RegionMappings(
      String region, long sizeBytes, boolean readable, boolean writable, List<Area> areas) {
    this.region = region;
    this.sizeBytes = sizeBytes;
    this.readable = readable;
    this.writable = writable;
    this.areas = List.copyOf(areas);
  }

  /** Whether any part can be mapped. */
  public boolean possible() {
    return !areas.isEmpty();
  }

  /** As {@link io.vferry.spi.host.Region#mappableParts}. */
  public List<MemoryRange> parts() {
    return areas.stream()
        .map(area -> new MemoryRange(area.offset, area.lengthBytes))
        .sorted(Comparator.comparingLong(MemoryRange::start))
        .toList();
  }

  /** As {@link io.vferry.spi.host.Region#map}. */
  public synchronized Optional<ByteBuffer> map(long offset, int lengthBytes)
      throws MigrationException {
    if (lengthBytes <= 0 || offset < 0 || offset > sizeBytes - lengthBytes) {
      throw bad(
          "%d bytes at offset %d of %s cannot be mapped: it has %d bytes"
              .formatted(lengthBytes, offset, region, sizeBytes));
    }
    long page = IovaSpace.SMALLEST_PAGE_BYTES;
    long first = offset & -page;
    long end = (offset + lengthBytes + page - 1) & -page;
    Optional<Area> area = areas.stream().filter(one -> holds(one, first, end)).findFirst();
    if (area.isEmpty()) {
      return Optional.empty();
    }
    if (closed) {
      throw bad(region + " is closed");
    }
    Pages pages = new Pages(first, end - first);
    MappedMemory there = mapped.get(pages);
    if (there == null) {
      try {
        there =
            MappedMemory.of(
                area.get().file,
                area.get().fileOffset + (first - area.get().offset),
                end - first,
                readable,
                writable);
      } catch (KernelError e) {
        return notMapped(e);
      }
      mapped.put(pages, there);
    }
    return Optional.of(there.slice(offset - first, lengthBytes));
  }

  private Optional<ByteBuffer> notMapped(KernelError e) throws MigrationException {
    return switch (e.errno()) {
      case Errno.EINVAL, Errno.EPERM, Errno.ENODEV, Errno.EACCES -> Optional.empty();
      case Errno.ENOMEM -> throw e.as(DeviceError.OUT_OF_RESOURCES, region + " cannot be mapped");
      default -> throw e.as(DeviceError.IO_FAILED, region + " cannot be mapped");
    };
  }

  /** The kernel maps whole pages, so the last page of an area counts even if it is not full. */
  private static boolean holds(Area area, long first, long end) {
    long page = IovaSpace.SMALLEST_PAGE_BYTES;
    return (area.offset & (page - 1)) == 0
        && area.offset <= first
        && end <= ((area.offset + area.lengthBytes + page - 1) & -page);
  }

  /** Takes all mappings away. */
  @Override
  public synchronized void close() {
    closed = true;
    mapped.values().forEach(MappedMemory::close);
    mapped.clear();
  }

  private static MigrationException bad(String sentence) {
    return new MigrationException(DeviceError.BAD_REQUEST, sentence);
  }
}
