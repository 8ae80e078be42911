package io.vferry.host.linux;

import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.Libc;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The file that stands behind memory of this process, if it is mapped from one and shared: a {@code
 * memfd}, or a file such as {@code FileChannel.map} maps, for example in {@code /dev/shm} or {@code
 * hugetlbfs}. So whoever provides the memory of a guest or a device need not know that another
 * process is to map it.
 *
 * @param file a number of its own for that file; whoever asked closes it
 * @param offset where in the file the memory begins
 */
public record MemoryBacking(Fd file, long offset) implements AutoCloseable {

  private static final Path SELF = Path.of("/proc/self");
  private static final int WRITABLE = 3;

  /** {@code 7f00-7f01 rw-s 00000000 00:01 4242 /memfd:name (deleted)}, as proc(5) describes it. */
  private static final Pattern LINE =
      Pattern.compile(
          "([0-9a-f]+)-([0-9a-f]+) (\\S{4}) ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) ([0-9]+)\\s*(.*)");

  private record Inode(long device, long number) {}

  private record Area(
      long start, long end, boolean shared, long offset, Inode inode, String path) {}

  /**
   * Finds the file.
   *
   * @param writable whether it must be open for writing, too
   * @return empty if there is none, or none that can be given away
   */
  public static Optional<MemoryBacking> of(long address, long lengthBytes, boolean writable) {
    try (BufferedReader maps = Files.newBufferedReader(SELF.resolve("maps"))) {
      return find(maps, address, lengthBytes)
          .flatMap(
              area ->
                  open(area, writable)
                      .map(fd -> new MemoryBacking(fd, area.offset + (address - area.start))));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Returns the area in which memory begins, if all of it is the same file without a gap. */
  private static Optional<Area> find(BufferedReader maps, long address, long lengthBytes)
      throws IOException {
    Area first = null;
    long reached = address;
    for (String line = maps.readLine(); line != null; line = maps.readLine()) {
      if (endsAtOrBefore(line, reached)) {
        continue;
      }
      Area area = parse(line);
      if (area == null || area.start > reached || !area.shared || area.inode.number == 0) {
        return Optional.empty();
      }
      if (first == null) {
        first = area;
      } else if (!area.inode.equals(first.inode)
          || area.offset - first.offset != area.start - first.start) {
        return Optional.empty();
      }
      reached = area.end;
      if (reached - address >= lengthBytes) {
        return Optional.of(first);
      }
    }
    return Optional.empty();
  }

  /**
   * Whether a line is of memory that ends at an address, or before. A driver maps many small pieces
   * of memory, and a JVM has hundreds of such lines, in ascending order: only those that matter are
   * taken apart.
   */
  private static boolean endsAtOrBefore(String line, long address) {
    int dash = line.indexOf('-');
    int space = line.indexOf(' ', dash + 1);
    return dash > 0
        && space > 0
        && Long.compareUnsigned(Long.parseUnsignedLong(line, dash + 1, space, 16), address) <= 0;
  }

  private static @Nullable Area parse(String line) {
    Matcher matcher = LINE.matcher(line);
    if (!matcher.matches()) {
      return null;
    }
    long major = Long.parseLong(matcher.group(5), 16);
    long minor = Long.parseLong(matcher.group(6), 16);
    // As glibc's makedev puts it together, and stat returns it.
    long device =
        (minor & 0xff) | (major & 0xfff) << 8 | (minor & ~0xffL) << 12 | (major & ~0xfffL) << 32;
    return new Area(
        Long.parseUnsignedLong(matcher.group(1), 16),
        Long.parseUnsignedLong(matcher.group(2), 16),
        matcher.group(3).charAt(3) == 's',
        Long.parseUnsignedLong(matcher.group(4), 16),
        new Inode(device, Long.parseLong(matcher.group(7))),
        matcher.group(8));
  }

  private static Optional<Fd> open(Area area, boolean writable) {
    Optional<Fd> open = openAlready(area, writable);
    if (open.isPresent() || !area.path.startsWith("/") || area.path.endsWith(" (deleted)")) {
      return open;
    }
    int number = Fd.open(area.path, writable ? Libc.O_RDWR : 0);
    return number < 0 ? Optional.empty() : same(number, area);
  }

  /** A file in memory has no path, but whoever mapped it may have it open still. */
  private static Optional<Fd> openAlready(Area area, boolean writable) {
    List<Path> numbers;
    try (Stream<Path> entries = Files.list(SELF.resolve("fd"))) {
      numbers = entries.toList();
    } catch (IOException e) {
      return Optional.empty();
    }
    for (Path number : numbers) {
      if (area.inode.equals(inode(number)) && (!writable || isWritable(number))) {
        int original = Integer.parseInt(number.getFileName().toString());
        int copy = Libc.fcntl(original, Libc.F_DUPFD_CLOEXEC, 0);
        // The number may be closed, or another file's, by now.
        Optional<Fd> checked = copy < 0 ? Optional.empty() : same(copy, area);
        if (checked.isPresent()) {
          return checked;
        }
      }
    }
    return Optional.empty();
  }

  private static Optional<Fd> same(int number, Area area) {
    Fd fd = new Fd(number);
    // Devices and counters without a name share one inode, so it tells of files with memory only.
    if (area.inode.equals(inode(path(number))) && Files.isRegularFile(path(number))) {
      return Optional.of(fd);
    }
    fd.close();
    return Optional.empty();
  }

  private static Path path(int number) {
    return SELF.resolve("fd").resolve(Integer.toString(number));
  }

  /** Whether both begin somewhere in the same file. */
  public boolean sameFile(MemoryBacking other) {
    Inode mine = inode(file);
    return mine != null && mine.equals(inode(other.file));
  }

  private static @Nullable Inode inode(Fd file) {
    int number = file.claim();
    if (number < 0) {
      return null;
    }
    try {
      return inode(path(number));
    } finally {
      file.release();
    }
  }

  private static @Nullable Inode inode(Path path) {
    try {
      Map<String, Object> attributes = Files.readAttributes(path, "unix:dev,ino");
      return attributes.get("dev") instanceof Long device
              && attributes.get("ino") instanceof Long number
          ? new Inode(device, number)
          : null;
    } catch (IOException | UnsupportedOperationException e) {
      return null;
    }
  }

  private static boolean isWritable(Path number) {
    try {
      for (String line : Files.readAllLines(SELF.resolve("fdinfo").resolve(number.getFileName()))) {
        if (line.startsWith("flags:")) {
          return (Integer.parseInt(line.substring(6).trim(), 8) & WRITABLE) == Libc.O_RDWR;
        }
      }
    } catch (IOException e) {
      return false;
    }
    return false;
  }

  @Override
  public void close() {
    file.close();
  }
}
