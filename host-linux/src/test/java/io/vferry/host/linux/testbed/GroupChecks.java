package io.vferry.host.linux.testbed;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;

/** Two edu devices in one IOMMU group: they share the group, and what is mapped in it. */
final class GroupChecks {

  private static final long IOVA = 0x100000;
  private static final int PAGE = 4096;

  private final Chapter chapter;

  GroupChecks(Chapter chapter) {
    this.chapter = chapter;
  }

  void run() {
    chapter.check("group: two devices open and close in any order", this::opens);
    chapter.check("group: a mapping lasts as long as one needs it", this::shares);
  }

  private void opens() throws Exception {
    for (int round = 0; round < 3; round++) {
      HostDevice one = chapter.openFirst();
      HostDevice two = chapter.openLast();
      Checks.equal(
          one.info().properties().get("iommu-group"),
          two.info().properties().get("iommu-group"),
          "group");
      one.close();
      Registers.turnOn(two);
      Checks.equal(0x010000ed, new Registers(two, 0).get(0), "the other still works");
      one = chapter.openFirst();
      two.close();
      Registers.turnOn(one);
      Checks.equal(0x010000ed, new Registers(one, 0).get(0), "the first works again");
      one.close();
      one.close();
    }
  }

  private void shares() throws Exception {
    ByteBuffer memory = Registers.pages(2);
    HostDevice one = chapter.openFirst();
    try (PciDevice two = new PciDevice(chapter.openLast())) {
      one.dma().map(IOVA, memory.slice(0, PAGE), DmaSpace.Direction.READ_WRITE);
      Checks.fails(
          DeviceError.BAD_REQUEST,
          () -> two.host.dma().map(IOVA, memory.slice(PAGE, PAGE), DmaSpace.Direction.READ_WRITE));
      two.host.dma().map(IOVA, memory.slice(0, PAGE), DmaSpace.Direction.READ_WRITE);
      one.dma().unmap(new MemoryRange(IOVA, PAGE));
      one.close();

      two.listen(Interrupts.MSI, 1);
      memory.putLong(0, 0x1122334455667788L);
      EduChecks.transfer(two, IOVA, EduChecks.DMA_BUFFER, EduChecks.TO_DEVICE);
      EduChecks.transfer(two, EduChecks.DMA_BUFFER, IOVA + 64, EduChecks.FROM_DEVICE);
      Checks.equal(0x1122334455667788L, memory.getLong(64), "memory to device to memory");
    }
  }
}
