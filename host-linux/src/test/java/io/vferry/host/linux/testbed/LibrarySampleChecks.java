package io.vferry.host.linux.testbed;

import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;

/**
 * The sample of libvfio-user, {@code samples/server.c}, as it is. It serves one client and ends.
 * When the time that was written to BAR 0 has come it interrupts, writes a page of the letter A to
 * the first memory it was given, and reads it again; it ends if that fails.
 */
final class LibrarySampleChecks {

  private static final long IOVA = 0x10000;
  private static final int PAGE = 4096;
  private static final long LIMIT_NANOS = 20_000_000_000L;

  private final Chapter chapter;

  LibrarySampleChecks(Chapter chapter) {
    this.chapter = chapter;
  }

  void run() {
    chapter.check("sample of libvfio-user: regions, interrupt, DMA, reset", this::all);
  }

  private void all() throws Exception {
    ByteBuffer memory = Registers.pages(2);
    try (PciDevice device = new PciDevice(chapter.openFirst())) {
      Checks.equal(0xdead, device.host.info().vendorId(), "vendor");
      Checks.equal(0xbeef, device.host.info().deviceId(), "device");
      Checks.equal(0xcafe, device.host.info().subsystemVendorId(), "subsystem vendor");
      Checks.equal(0xbabe, device.host.info().subsystemDeviceId(), "subsystem device");
      Checks.equal(
          List.of(
              new RegionInfo(0, 8, true, true, false),
              new RegionInfo(1, 0x3000, true, true, true),
              new RegionInfo(RegionInfo.PCI_CONFIG, 256, true, true, false),
              new RegionInfo(9, 0x5000, true, true, true)),
          device.host.regions(),
          "regions");
      Checks.equal(
          List.of(new MemoryRange(0, PAGE), new MemoryRange(2 * PAGE, PAGE)),
          device.host.region(1).mappableParts(),
          "mappable parts");
      device.host.region(1).map(0, PAGE).orElseThrow().put(7, (byte) 77);
      ByteBuffer first = ByteBuffer.allocate(16);
      device.host.region(1).read(0, first);
      Checks.equal((byte) 77, first.get(7), "stored through the mapping, read by message");

      device.host.reset();
      device.host.dma().map(IOVA, memory, DmaSpace.Direction.READ_WRITE);
      device.listen(Interrupts.INTX, 1);
      device.registers.putLong(0, Instant.now().getEpochSecond() + 1);
      device.signals.expect(0, "INTx when the time has come");
      byte[] expected = new byte[PAGE];
      Arrays.fill(expected, (byte) 'A');
      long end = System.nanoTime() + LIMIT_NANOS;
      // A command would come between its own and our answer, and it takes nothing else for that.
      while (!memory.slice(0, PAGE).equals(ByteBuffer.wrap(expected))) {
        Checks.that(System.nanoTime() < end, "memory was not written");
        Thread.onSpinWait();
      }
    }
  }
}
