package io.vferry.host.linux.testbed;

import io.vferry.host.linux.VfioBackend;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostBackend;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs chapters of checks inside the guest that {@code testbed/run} boots. The arguments are a
 * chapter and the addresses of its devices; the exit status is 0 if all checks pass.
 */
public final class GuestMain {

  private GuestMain() {}

  /** Runs a chapter. */
  public static void main(String[] args) throws Exception {
    Checks checks = new Checks();
    HostBackend backend = new VfioBackend();
    switch (args[0]) {
      case "move" -> new MoveChecks(checks, backend, args[1], args[2]).run();
      case "bad-streams" -> new BadStreamChecks(checks, backend, args[1], args[2]).run();
      case "edu" -> new EduChecks(checks, backend, args[1]).run();
      case "e1000e" -> new E1000eChecks(checks, backend, args[1]).run();
      case "peers" -> new PeerChecks(checks, backend, args[1], args[2]).run();
      case "group" -> new GroupChecks(checks, backend, args[1], args[2]).run();
      default -> throw new IllegalArgumentException("no chapter " + args[0]);
    }
    checks.check(
        args[0] + ": no file is left open",
        () -> Checks.equal(List.of(), kernelFiles(), "open files"));
    System.exit(checks.failed() == 0 ? 0 : 1);
  }

  static HostDevice open(HostBackend backend, String address) throws MigrationException {
    return backend.open(DeviceAddress.parse(address), new OpenContext("dev", new NoClock()));
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

  /** Real hardware has its own time. */
  private static final class NoClock implements HostClock {
    @Override
    public long nanoTime() {
      throw new UnsupportedOperationException();
    }

    @Override
    public void sleep(long nanos) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Scheduled schedule(long delayNanos, Runnable task) {
      throw new UnsupportedOperationException();
    }
  }
}
