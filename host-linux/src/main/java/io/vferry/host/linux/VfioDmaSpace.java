package io.vferry.host.linux;

import io.vferry.host.linux.syscall.Argument;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.Region;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/** One device's part in an address space. */
public final class VfioDmaSpace implements DmaSpace {

  private final AddressSpace<?> space;
  private final IovaSpace usable;
  private final TreeMap<Long, AddressSpace.Mapping> own = new TreeMap<>(Long::compareUnsigned);

  /**
   * Creates a part in which nothing is mapped.
   *
   * @param usable what can be mapped in the space
   */
  public VfioDmaSpace(AddressSpace<?> space, IovaSpace usable) {
    this.space = space;
    this.usable = usable;
  }

  @Override
  public List<MemoryRange> usableRanges() {
    return usable.ranges();
  }

  @Override
  public long pageSizeBytes() {
    return usable.pageSizeBytes();
  }

  @Override
  public void map(long iova, ByteBuffer memory, Direction direction) throws MigrationException {
    if (!memory.isDirect()) {
      throw bad("only direct memory can be mapped for DMA");
    }
    if (!memory.hasRemaining()) {
      throw bad("a DMA mapping has at least one page");
    }
    map(
        new AddressSpace.Mapping(
            new MemoryRange(iova, memory.remaining()),
            Argument.addressOf(memory),
            direction != Direction.WRITE,
            direction != Direction.READ,
            memory));
  }

  @Override
  public void mapPeer(long iova, Region peer, MemoryRange part) throws MigrationException {
    if (part.start() < 0 || part.length() < 0 || part.length() > Integer.MAX_VALUE) {
      throw bad("%s is no part of a region that can be mapped at once".formatted(part));
    }
    Optional<ByteBuffer> memory = peer.map(part.start(), (int) part.length());
    if (memory.isEmpty() || !memory.get().isDirect()) {
      throw bad(
          "bytes %s of region %d cannot be mapped into memory, so no other device can reach them"
              .formatted(part, peer.info().index()));
    }
    map(
        new AddressSpace.Mapping(
            new MemoryRange(iova, part.length()),
            Argument.addressOf(memory.get()),
            true,
            true,
            memory.get()));
  }

  private synchronized void map(AddressSpace.Mapping mapping) throws MigrationException {
    long page = usable.pageSizeBytes();
    MemoryRange iova = mapping.iova();
    if (((iova.start() | mapping.address() | iova.length()) & (page - 1)) != 0) {
      throw bad(
          "%d bytes of memory at 0x%x cannot be mapped at 0x%x: each must be a multiple of %d"
              .formatted(iova.length(), mapping.address(), iova.start(), page));
    }
    if (usable.ranges().stream().noneMatch(range -> range.contains(iova))) {
      throw bad(
          "I/O virtual range %s is outside what can be mapped, %s"
              .formatted(iova, usable.ranges()));
    }
    if (!overlapping(iova).isEmpty()) {
      throw bad("I/O virtual range %s overlaps one that is mapped already".formatted(iova));
    }
    space.map(mapping);
    own.put(iova.start(), mapping);
  }

  @Override
  public synchronized void unmap(MemoryRange iovaRange) throws MigrationException {
    List<AddressSpace.Mapping> inside = overlapping(iovaRange);
    for (AddressSpace.Mapping mapping : inside) {
      if (!iovaRange.contains(mapping.iova())) {
        throw bad("I/O virtual range %s cuts the mapping %s".formatted(iovaRange, mapping.iova()));
      }
    }
    for (AddressSpace.Mapping mapping : inside) {
      space.unmap(mapping);
      own.remove(mapping.iova().start());
    }
  }

  /** Unmaps all that this device mapped; goes on after a failure and throws the first. */
  public synchronized void unmapAll() throws MigrationException {
    MigrationException first = null;
    for (AddressSpace.Mapping mapping : List.copyOf(own.values())) {
      try {
        space.unmap(mapping);
      } catch (MigrationException e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
      own.remove(mapping.iova().start());
    }
    if (first != null) {
      throw first;
    }
  }

  private List<AddressSpace.Mapping> overlapping(MemoryRange range) {
    List<AddressSpace.Mapping> found = new ArrayList<>();
    Long before = own.floorKey(range.start());
    long from = before == null ? range.start() : before;
    for (AddressSpace.Mapping mapping : own.subMap(from, true, range.last(), true).values()) {
      if (mapping.iova().overlaps(range)) {
        found.add(mapping);
      }
    }
    return found;
  }

  private static MigrationException bad(String sentence) {
    return new MigrationException(DeviceError.BAD_REQUEST, sentence);
  }
}
