package io.vferry.runtime.discovery;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A directory of driver jars. Each jar in it is an entry, and so is each directory, with all jars
 * that lie directly in it. Other files are not looked at.
 */
final class DriverDirectory {

  private DriverDirectory() {}

  /** Returns the entries in the order of their names. */
  static List<Path> entries(Path directory) throws IOException {
    return list(directory, path -> isJar(path) || isVisibleDirectory(path));
  }

  /** Returns the jars of an entry in the order of their names. */
  static List<Path> jars(Path entry) throws IOException {
    return Files.isDirectory(entry) ? list(entry, DriverDirectory::isJar) : List.of(entry);
  }

  private static List<Path> list(Path directory, DirectoryStream.Filter<Path> filter)
      throws IOException {
    List<Path> paths = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory, filter)) {
      stream.forEach(paths::add);
    } catch (DirectoryIteratorException broken) {
      throw broken.getCause();
    }
    paths.sort(null);
    return paths;
  }

  private static boolean isJar(Path path) {
    return path.toString().toLowerCase(Locale.ROOT).endsWith(".jar") && !Files.isDirectory(path);
  }

  private static boolean isVisibleDirectory(Path path) throws IOException {
    return Files.isDirectory(path) && !Files.isHidden(path);
  }
}
