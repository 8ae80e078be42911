package io.vferry.host.linux.user.server;

import io.vferry.host.linux.MemoryBacking;
import io.vferry.host.linux.syscall.Argument;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.user.wire.RegionCapability.Area;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import io.vferry.spi.memory.MemoryRange;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The file through which a client maps parts of a region. The protocol knows one file for a region,
 * laid out as the region is, so that a part lies in it as far behind {@code offset} as it lies
 * behind the region's start.
 *
 * @param file a number of its own; whoever has this closes it
 * @param offset where in the file the region begins, 0 or more
 * @param areas what can be mapped, ascending and apart from each other, in whole pages
 */
record RegionFile(Fd file, long offset, List<Area> areas) implements AutoCloseable {

  /** More are reached by message. */
  static final int MOST_AREAS = 64;

  private static final int PAGE_BYTES = 4096;

  /** A buffer covers less than 2 GiB. */
  private static final long LARGEST_PIECE = 1L << 30;

  /** Collects what lies in one file. */
  private static final class Found {
    private Optional<MemoryBacking> first = Optional.empty();
    private long offset;
    private final List<Area> areas = new ArrayList<>();

    void add(long at, long length, MemoryBacking backing) {
      boolean fits =
          first.isEmpty()
              ? backing.offset() >= at
              : backing.offset() - at == offset && backing.sameFile(first.get());
      if (fits && first.isEmpty()) {
        first = Optional.of(backing);
        offset = backing.offset() - at;
      } else {
        backing.close();
      }
      if (!fits) {
        return;
      }
      Area last = areas.isEmpty() ? new Area(0, 0) : areas.get(areas.size() - 1);
      if (!areas.isEmpty() && last.offset() + last.size() == at) {
        areas.set(areas.size() - 1, new Area(last.offset(), last.size() + length));
      } else {
        areas.add(new Area(at, length));
      }
    }
  }

  /** Creates one; the list is copied. */
  RegionFile {
    areas = List.copyOf(areas);
  }

  /**
   * Looks for the file behind a region.
   *
   * @return empty if nothing of it can be mapped by another process
   * @throws MigrationException if the device does not answer
   */
  static Optional<RegionFile> of(Region region) throws MigrationException {
    // A file that is open for both cannot be lent for one of them.
    if (!region.info().readable() || !region.info().writable()) {
      return Optional.empty();
    }
    Found found = new Found();
    for (MemoryRange part : region.mappableParts()) {
      if (part.start() % PAGE_BYTES != 0 || part.length() % PAGE_BYTES != 0) {
        continue;
      }
      for (long done = 0; done < part.length() && found.areas.size() < MOST_AREAS; ) {
        long length = Math.min(LARGEST_PIECE, part.length() - done);
        long at = part.start() + done;
        behind(region, at, (int) length).ifPresent(backing -> found.add(at, length, backing));
        done += length;
      }
    }
    return found.first.map(first -> new RegionFile(first.file(), found.offset, found.areas));
  }

  private static Optional<MemoryBacking> behind(Region region, long offset, int length)
      throws MigrationException {
    Optional<ByteBuffer> memory = region.map(offset, length).filter(ByteBuffer::isDirect);
    if (memory.isEmpty()) {
      return Optional.empty();
    }
    try {
      return MemoryBacking.of(Argument.addressOf(memory.get()), length, true);
    } finally {
      Reference.reachabilityFence(memory.get());
    }
  }

  /** Whether all of a region can be mapped. */
  boolean whole(long sizeBytes) {
    return areas.equals(List.of(new Area(0, sizeBytes)));
  }

  @Override
  public void close() {
    file.close();
  }
}
