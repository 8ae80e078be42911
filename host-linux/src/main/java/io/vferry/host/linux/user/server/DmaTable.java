package io.vferry.host.linux.user.server;

import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.user.wire.DmaMapMessage;
import io.vferry.host.linux.user.wire.DmaUnmapMessage;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The memory that one client gave to the device. */
final class DmaTable {

  /** A buffer covers less than 2 GiB, so a mapping is cut into pieces. */
  private static final long LARGEST_PIECE = 1L << 30;

  /** What libvfio-user allows as well; more is a mistake or an attack. */
  private static final long LARGEST_MAPPING = 8L << 40;

  /**
   * One mapping.
   *
   * @param withFile whether a file came along
   * @param file the file, if it is still needed
   * @param by how the memory is reached, if it is not mapped
   */
  private record Mapping(
      MemoryRange range,
      int flags,
      long offset,
      boolean withFile,
      Optional<ClientFile> file,
      Optional<ClientMemory> by) {

    boolean isAs(MemoryRange otherRange, DmaMapMessage other, boolean otherWithFile) {
      return range.equals(otherRange)
          && flags == other.flags()
          && offset == other.offset()
          && withFile == otherWithFile;
    }
  }

  private final DmaSpace space;
  private final MemoryMessages messages;
  private final int most;
  private final NavigableMap<Long, Mapping> mappings = new TreeMap<>(Long::compareUnsigned);
  private final List<MemoryRange> usable;
  private final long pageBytes;

  DmaTable(DmaSpace space, MemoryMessages messages, int most) {
    this.space = space;
    this.messages = messages;
    this.most = most;
    this.usable = space.usableRanges();
    this.pageBytes = space.pageSizeBytes();
  }

  long pageBytes() {
    return pageBytes;
  }

  /** Returns what is mapped, ascending. */
  List<MemoryRange> ranges() {
    return mappings.values().stream().map(Mapping::range).toList();
  }

  /** Whether some memory is reached by messages. */
  boolean byMessages() {
    return mappings.values().stream().anyMatch(mapping -> !mapping.withFile);
  }

  /**
   * Maps memory.
   *
   * @param file taken over
   */
  void map(DmaMapMessage message, @Nullable ClientFile file) throws Refusal {
    boolean kept = false;
    try {
      MemoryRange range = check(message, file != null);
      Mapping same = mappings.get(range.start());
      if (same != null && same.isAs(range, message, file != null)) {
        return;
      }
      Map.Entry<Long, Mapping> before = mappings.floorEntry(range.last());
      if (before != null && before.getValue().range.overlaps(range)) {
        throw new Refusal(Errno.EEXIST, "%s overlaps %s".formatted(range, before.getValue().range));
      }
      if (mappings.size() >= most) {
        throw new Refusal(Errno.ENOSPC, "there are %d mappings already".formatted(most));
      }
      kept = add(range, message, file);
    } finally {
      if (file != null && !kept) {
        file.close();
      }
    }
  }

  private MemoryRange check(DmaMapMessage message, boolean withFile) throws Refusal {
    int flags = message.flags();
    int mode = flags & (DmaMapMessage.MMAP | DmaMapMessage.FILE_IO);
    if ((flags & ~DmaMapMessage.KNOWN_FLAGS) != 0
        || (flags & (DmaMapMessage.READABLE | DmaMapMessage.WRITEABLE)) == 0
        || mode == (DmaMapMessage.MMAP | DmaMapMessage.FILE_IO)
        || (mode != 0 && !withFile)) {
      throw Refusal.invalid(
          "flags 0x%x %s a file make no sense".formatted(flags, withFile ? "with" : "without"));
    }
    long size = message.size();
    if (Long.compareUnsigned(size, LARGEST_MAPPING) > 0) {
      throw new Refusal(
          Errno.ENOSPC, "0x%x bytes are more than can be mapped at once".formatted(size));
    }
    if (size % pageBytes != 0
        || Long.remainderUnsigned(message.address(), pageBytes) != 0
        || !isRange(message.address(), size)) {
      throw Refusal.invalid(
          "0x%x bytes at 0x%x are not whole pages of %d bytes"
              .formatted(size, message.address(), pageBytes));
    }
    if (withFile
        && (message.offset() < 0
            || message.offset() % pageBytes != 0
            || message.offset() > Long.MAX_VALUE - size)) {
      throw Refusal.invalid("offset 0x%x of the file cannot be".formatted(message.offset()));
    }
    MemoryRange range = new MemoryRange(message.address(), size);
    if (usable.stream().noneMatch(part -> part.contains(range))) {
      throw Refusal.invalid("%s is outside of what the device reaches".formatted(range));
    }
    return range;
  }

  private static boolean isRange(long address, long size) {
    return size != 0 && Long.compareUnsigned(address + (size - 1), address) >= 0;
  }

  /** Returns whether the file was kept. */
  private boolean add(MemoryRange range, DmaMapMessage message, @Nullable ClientFile file)
      throws Refusal {
    boolean readable = (message.flags() & DmaMapMessage.READABLE) != 0;
    boolean writable = (message.flags() & DmaMapMessage.WRITEABLE) != 0;
    Optional<ClientMemory> by = Optional.empty();
    // What is mapped stays so without the file, of which a guest with an IOMMU sends thousands.
    Optional<ClientFile> kept = Optional.empty();
    try {
      if (file != null && (message.flags() & DmaMapMessage.FILE_IO) == 0) {
        mapPieces(range, message, file, readable, writable);
      } else {
        ByteAccess access = file == null ? messages : file;
        long base = file == null ? range.start() : message.offset();
        ClientMemory memory = new ClientMemory(range.length(), readable, writable, access, base);
        space.mapPeer(range.start(), memory, new MemoryRange(0, range.length()));
        by = Optional.of(memory);
        kept = Optional.ofNullable(file);
      }
    } catch (MigrationException e) {
      throw Refusal.of(e);
    }
    mappings.put(
        range.start(),
        new Mapping(range, message.flags(), message.offset(), file != null, kept, by));
    return kept.isPresent();
  }

  private void mapPieces(
      MemoryRange range, DmaMapMessage message, ClientFile file, boolean readable, boolean writable)
      throws MigrationException, Refusal {
    DmaSpace.Direction direction =
        !writable
            ? DmaSpace.Direction.READ
            : readable ? DmaSpace.Direction.READ_WRITE : DmaSpace.Direction.WRITE;
    long done = 0;
    try {
      while (done < range.length()) {
        int length = (int) Math.min(LARGEST_PIECE, range.length() - done);
        ByteBuffer memory = file.map(message.offset() + done, length, writable);
        space.map(range.start() + done, memory, direction);
        done += length;
      }
    } catch (MigrationException | Refusal e) {
      if (done > 0) {
        try {
          space.unmap(new MemoryRange(range.start(), done));
        } catch (MigrationException suppressed) {
          e.addSuppressed(suppressed);
        }
      }
      throw e;
    }
  }

  /**
   * Unmaps a range, or everything.
   *
   * <p>The protocol's text wants a range that was mapped by one command. QEMU, as a client whose
   * guest has an IOMMU, unmaps as with the kernel: all that lies in a range, whether that is many
   * mappings or none. What it no longer gives to the device must not be reached, so this does the
   * same; only a mapping that would be cut is refused.
   */
  void unmap(DmaUnmapMessage message) throws Refusal {
    if (message.flags() == DmaUnmapMessage.ALL) {
      if (message.address() != 0 || message.size() != 0) {
        throw Refusal.invalid("everything is to be unmapped, but a range is named");
      }
      MigrationException failure = unmapAll();
      if (failure != null) {
        throw Refusal.of(failure);
      }
      return;
    }
    if (message.flags() != 0) {
      throw Refusal.invalid("flags 0x%x are not known".formatted(message.flags()));
    }
    if (!isRange(message.address(), message.size())) {
      throw Refusal.invalid(
          "0x%x bytes at 0x%x are no range".formatted(message.size(), message.address()));
    }
    MemoryRange range = new MemoryRange(message.address(), message.size());
    throwIfCut(mappings.lowerEntry(range.start()), range);
    throwIfCut(mappings.floorEntry(range.last()), range);
    MigrationException failure =
        remove(mappings.subMap(range.start(), true, range.last(), true).values());
    if (failure != null) {
      throw Refusal.of(failure);
    }
  }

  private static void throwIfCut(Map.@Nullable Entry<Long, Mapping> edge, MemoryRange range)
      throws Refusal {
    if (edge != null
        && edge.getValue().range.overlaps(range)
        && !range.contains(edge.getValue().range)) {
      throw Refusal.invalid("%s cuts the mapping %s".formatted(range, edge.getValue().range));
    }
  }

  /** Unmaps everything; returns the first failure, if any. */
  @Nullable MigrationException unmapAll() {
    return remove(mappings.values());
  }

  /** Unmaps some, which are no mappings then even if that fails; returns the first failure. */
  private @Nullable MigrationException remove(Collection<Mapping> some) {
    MigrationException first = null;
    for (Mapping mapping : some) {
      try {
        remove(mapping);
      } catch (MigrationException e) {
        first = first == null ? e : first;
      }
    }
    some.clear();
    return first;
  }

  private void remove(Mapping mapping) throws MigrationException {
    try {
      space.unmap(mapping.range);
    } finally {
      mapping.by.ifPresent(ClientMemory::unmapped);
      mapping.file.ifPresent(ClientFile::close);
    }
  }
}
