package io.vferry.host.linux.user.socket;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Counts the open sockets, counters and files in memory of this process, to find leaks. */
public final class OpenFiles {

  private OpenFiles() {}

  /** Returns how many there are now. */
  public static long count() {
    try (FileChannel first = FileChannel.open(Path.of("/dev/null"));
        Stream<Path> entries = Files.list(Path.of("/proc/self/fd"))) {
      // The first channel makes the virtual machine keep a socket for its own use.
      assertThat(first.isOpen()).isTrue();
      return entries.filter(OpenFiles::ours).count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The virtual machine opens jars and the like whenever it wants. */
  private static boolean ours(Path entry) {
    try {
      String target = Files.readSymbolicLink(entry).toString();
      return target.startsWith("socket:")
          || target.startsWith("/memfd:")
          || target.startsWith("/dev/shm/")
          || target.startsWith("anon_inode:");
    } catch (IOException e) {
      return false;
    }
  }
}
