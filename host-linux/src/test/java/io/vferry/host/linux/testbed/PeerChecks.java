package io.vferry.host.linux.testbed;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
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
    try (HostDevice writer = chapter.openFirst();
        HostDevice peer = chapter.openLast()) {
      Registers.turnOn(writer);
      Registers.turnOn(peer);
      MemoryRange part = new MemoryRange(TRANSMIT_RING_PAGE, PAGE);
      if ("cdev".equals(writer.info().properties().get("access-path"))) {
        // iommufd of Linux 6.12 maps memory, not device memory.
        Checks.fails(
            DeviceError.BAD_REQUEST, () -> writer.dma().mapPeer(PEER_IOVA, peer.region(0), part));
        return;
      }
      Registers registers = new Registers(writer, 0);
      Signals signals = new Signals();
      writer.interrupts().enable(Interrupts.MSI, 1, signals);
      ByteBuffer memory = Registers.pages(1);
      writer.dma().map(MEMORY_IOVA, memory, DmaSpace.Direction.READ);
      writer.dma().mapPeer(PEER_IOVA, peer.region(0), part);
      memory.putLong(0, 0x1_2345_6000L);
      EduChecks.transfer(
          registers, signals, MEMORY_IOVA, EduChecks.DMA_BUFFER, EduChecks.TO_DEVICE);
      EduChecks.transfer(
          registers,
          signals,
          EduChecks.DMA_BUFFER,
          PEER_IOVA + TRANSMIT_RING - TRANSMIT_RING_PAGE,
          EduChecks.FROM_DEVICE);
      Registers target = new Registers(peer, 0);
      Checks.equal(0x23456000, target.get(TRANSMIT_RING), "low word in the peer");
      Checks.equal(1, target.get(TRANSMIT_RING + 4), "high word in the peer");
      writer.dma().unmap(new MemoryRange(PEER_IOVA, PAGE));
    }
  }
}
