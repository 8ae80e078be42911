package io.vferry.host.linux.testbed;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;

/** One device writes by DMA into another: from edu into the registers of e1000e. */
final class PeerChecks {

  private static final long MEMORY_IOVA = 0x100000;
  private static final long PEER_IOVA = 0x200000;
  private static final int PAGE = 4096;
  private static final int TRANSMIT_RING_PAGE = 0x3000;
  private static final int TRANSMIT_RING = 0x3800;

  private final Chapter chapter;

  PeerChecks(Chapter chapter) {
    this.chapter = chapter;
  }

  void run() {
    chapter.check("peers: a device writes to another, where the host can map it", this::peers);
  }

  private void peers() throws Exception {
    try (PciDevice writer = new PciDevice(chapter.openFirst());
        PciDevice peer = new PciDevice(chapter.openLast())) {
      MemoryRange part = new MemoryRange(TRANSMIT_RING_PAGE, PAGE);
      if ("cdev".equals(writer.host.info().properties().get("access-path"))) {
        // iommufd of Linux 6.12 maps memory, not device memory.
        Checks.fails(
            DeviceError.BAD_REQUEST,
            () -> writer.host.dma().mapPeer(PEER_IOVA, peer.host.region(0), part));
        return;
      }
      writer.listen(Interrupts.MSI, 1);
      ByteBuffer memory = Registers.pages(1);
      writer.host.dma().map(MEMORY_IOVA, memory, DmaSpace.Direction.READ);
      writer.host.dma().mapPeer(PEER_IOVA, peer.host.region(0), part);
      memory.putLong(0, 0x1_2345_6000L);
      EduChecks.transfer(writer, MEMORY_IOVA, EduChecks.DMA_BUFFER, EduChecks.TO_DEVICE);
      EduChecks.transfer(
          writer,
          EduChecks.DMA_BUFFER,
          PEER_IOVA + TRANSMIT_RING - TRANSMIT_RING_PAGE,
          EduChecks.FROM_DEVICE);
      Checks.equal(0x23456000, peer.registers.get(TRANSMIT_RING), "low word in the peer");
      Checks.equal(1, peer.registers.get(TRANSMIT_RING + 4), "high word in the peer");
      writer.host.dma().unmap(new MemoryRange(PEER_IOVA, PAGE));
    }
  }
}
