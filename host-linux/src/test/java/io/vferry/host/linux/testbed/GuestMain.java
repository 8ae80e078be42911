package io.vferry.host.linux.testbed;

import io.vferry.host.linux.VfioBackend;
import io.vferry.host.linux.user.client.VfioUserBackend;
import io.vferry.spi.host.HostBackend;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs chapters of checks, most of them inside the guest that {@code testbed/run} boots. A chapter
 * is its name and the addresses of its devices; chapters are separated by {@code --}. The exit
 * status is 0 if all checks pass.
 */
public final class GuestMain {

  private GuestMain() {}

  /** Runs the chapters. */
  public static void main(String[] args) {
    Checks checks = new Checks();
    HostBackend kernel = new VfioBackend();
    HostBackend processes = new VfioUserBackend();
    for (List<String> chapter : chapters(args)) {
      boolean served = chapter.get(1).startsWith(processes.scheme() + ":");
      run(chapter, checks, served ? processes : kernel);
      checks.check(
          chapter.get(0) + ": no file is left open",
          () -> Checks.equal(List.of(), kernelFiles(), "open files"));
    }
    System.exit(checks.failed() == 0 ? 0 : 1);
  }

  private static void run(List<String> chapter, Checks checks, HostBackend backend) {
    Chapter devices = new Chapter(checks, backend, chapter.subList(1, chapter.size()));
    switch (chapter.get(0)) {
      case "move" -> new MoveChecks(devices).run();
      case "fill" -> new FerryChecks(devices).fill();
      case "arrived" -> new FerryChecks(devices).arrived();
      case "bad-streams" -> new BadStreamChecks(devices).run();
      case "edu" -> new EduChecks(devices).run();
      case "e1000e" -> new E1000eChecks(devices).run();
      case "peers" -> new PeerChecks(devices).run();
      case "library" -> new LibraryChecks(devices).run();
      case "library-fill" -> new LibraryChecks(devices).fill();
      case "library-arrived" -> new LibraryChecks(devices).arrived();
      case "library-sample" -> new LibrarySampleChecks(devices).run();
      case "group" -> new GroupChecks(devices).run();
      default -> throw new IllegalArgumentException("no chapter " + chapter);
    }
  }

  private static List<List<String>> chapters(String[] args) {
    List<List<String>> chapters = new ArrayList<>();
    chapters.add(new ArrayList<>());
    for (String arg : args) {
      if (arg.equals("--")) {
        chapters.add(new ArrayList<>());
      } else {
        chapters.get(chapters.size() - 1).add(arg);
      }
    }
    return chapters;
  }

  /** The files that only VFIO opens in this process: nodes, devices, sessions, counters. */
  private static List<String> kernelFiles() throws IOException {
    List<String> found = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path file : files) {
        String target = readLink(file);
        if (target.startsWith("anon_inode:") || target.startsWith("/dev/")) {
          found.add(target);
        }
      }
    }
    found.removeIf(
        target -> target.matches("/dev/(null|random|urandom|pts/.*|tty.*|console|shm/.*)"));
    return found;
  }

  private static String readLink(Path file) {
    try {
      return Files.readSymbolicLink(file).toString();
    } catch (IOException e) {
      // It was the handle of the listing itself.
      return "";
    }
  }
}
