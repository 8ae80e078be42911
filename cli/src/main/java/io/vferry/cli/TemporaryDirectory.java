package io.vferry.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Removes directories that this process made. */
final class TemporaryDirectory {

  private static final System.Logger LOG = System.getLogger(TemporaryDirectory.class.getName());

  private TemporaryDirectory() {}

  /** Removes a directory and all in it, if it is still there. */
  static void remove(Path root) {
    if (Files.notExists(root)) {
      return;
    }
    try (Stream<Path> tree = Files.walk(root)) {
      List<Path> deepestFirst = tree.sorted(Comparator.reverseOrder()).toList();
      for (Path path : deepestFirst) {
        Files.delete(path);
      }
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "cannot remove " + root, e);
    }
  }
}
