package io.vferry.host.linux.testbed;

import io.vferry.spi.host.HostDevice;

/** What is in an mtty device before another process moves it, and must be in the other after. */
final class FerryChecks {

  private final Chapter chapter;

  FerryChecks(Chapter chapter) {
    this.chapter = chapter;
  }

  void fill() {
    chapter.check(
        "migrate: the source is filled",
        () -> {
          try (HostDevice device = chapter.openFirst()) {
            new Uart(device, 0).fill(0x5a, 0x1b, "bytes on a");
            new Uart(device, 1).fill(0xa5, 0x03, "real ferry");
          }
        });
  }

  void arrived() {
    chapter.check(
        "migrate: registers and waiting bytes arrived",
        () -> {
          try (HostDevice device = chapter.openFirst()) {
            Uart first = new Uart(device, 0);
            Checks.equal(0x5a, first.scratch(), "scratch register of port 0");
            Checks.equal(0x1b, first.lineControl(), "line control of port 0");
            Checks.equal("bytes on a", first.receive(), "FIFO of port 0");
            Uart second = new Uart(device, 1);
            Checks.equal(0xa5, second.scratch(), "scratch register of port 1");
            Checks.equal(0x03, second.lineControl(), "line control of port 1");
            Checks.equal("real ferry", second.receive(), "FIFO of port 1");
          }
        });
  }
}
