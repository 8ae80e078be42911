package io.vferry.host.linux.testbed;

import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Interrupts;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashSet;
import java.util.Set;

/**
 * QEMU's model of the Intel 82574L network adapter behind a virtual IOMMU. Registers as in Intel's
 * "82574 GbE Controller Family Datasheet", chapter 10.
 *
 * <p>The model tells an interrupt again when its throttling ends, 128 microseconds later: MSI where
 * the cause is not cleared by then, MSI-X always ({@code hw/net/e1000e_core.c}, the throttling
 * timers). On a busy host this is late enough to be an interrupt of its own.
 */
final class E1000eChecks {

  private static final int STATUS = 0x8;
  private static final int INTERRUPT_CAUSE = 0xc0;
  private static final int INTERRUPT_CAUSE_SET = 0xc8;
  private static final int INTERRUPT_MASK_SET = 0xd0;
  private static final int INTERRUPT_MASK_CLEAR = 0xd8;
  private static final int VECTOR_ALLOCATION = 0xe4;
  private static final int RECEIVE_CONTROL = 0x100;
  private static final int RECEIVE_RING = 0x2800;
  private static final int TRANSMIT_CONTROL = 0x400;
  private static final int TRANSMIT_RING = 0x3800;
  private static final int RING_HIGH = 4;
  private static final int RING_LENGTH = 8;
  private static final int RING_HEAD = 0x10;
  private static final int RING_TAIL = 0x18;
  private static final int LINK_CHANGED = 1 << 2;
  private static final int RECEIVE_QUEUE_0 = 1 << 20;

  private static final long IOVA = 0x1_0000_0000L;
  private static final int PAGE = 4096;
  private static final int FRAME_BYTES = 64;

  private final Chapter chapter;

  E1000eChecks(Chapter chapter) {
    this.chapter = chapter;
  }

  void run() {
    chapter.check("e1000e: reset and regions", this::regions);
    chapter.check("e1000e: INTx masks and unmasks", this::intx);
    chapter.check("e1000e: MSI", this::msi);
    chapter.check("e1000e: MSI-X, each vector", this::msix);
    chapter.check("e1000e: a frame goes from memory to memory by DMA", this::frame);
  }

  private PciDevice open() throws Exception {
    HostDevice host = chapter.openFirst();
    host.reset();
    PciDevice device = new PciDevice(host);
    // This reset is one of power management: QEMU's model keeps its registers.
    device.registers.put(INTERRUPT_MASK_CLEAR, -1);
    device.registers.put(INTERRUPT_CAUSE, -1);
    device.registers.put(RECEIVE_CONTROL, 0);
    device.registers.put(TRANSMIT_CONTROL, 0);
    return device;
  }

  private void regions() throws Exception {
    try (PciDevice device = open()) {
      Checks.equal(0x8086, device.host.info().vendorId(), "vendor");
      Checks.equal(0x10d3, device.host.info().deviceId(), "device");
      Checks.equal(1 << 17, (int) device.host.region(0).info().sizeBytes(), "size of BAR 0");
      ByteBuffer mapped =
          device.host.region(0).map(0, PAGE).orElseThrow().order(ByteOrder.LITTLE_ENDIAN);
      Checks.equal(device.registers.get(STATUS), mapped.getInt(STATUS), "status, read both ways");
      device.registers.put(TRANSMIT_RING, 0x12345000);
      Checks.equal(0x12345000, device.registers.get(TRANSMIT_RING), "ring address");
    }
  }

  private void intx() throws Exception {
    try (PciDevice device = open()) {
      device.listen(Interrupts.INTX, 1);
      device.registers.put(INTERRUPT_MASK_SET, LINK_CHANGED);
      device.registers.put(INTERRUPT_CAUSE_SET, LINK_CHANGED);
      device.signals.expect(0, "INTx raised");
      device.registers.get(INTERRUPT_CAUSE);
      device.registers.put(INTERRUPT_CAUSE, -1);
      device.interrupts.unmask(Interrupts.INTX, 0);

      device.interrupts.mask(Interrupts.INTX, 0);
      device.registers.put(INTERRUPT_CAUSE_SET, LINK_CHANGED);
      device.interrupts.unmask(Interrupts.INTX, 0);
      device.signals.expect(0, "INTx raised while masked");
      device.registers.put(INTERRUPT_MASK_CLEAR, -1);
      device.registers.put(INTERRUPT_CAUSE, -1);
      device.hush(Interrupts.INTX);
    }
  }

  private void msi() throws Exception {
    try (PciDevice device = open()) {
      device.listen(Interrupts.MSI, 1);
      device.registers.put(INTERRUPT_MASK_SET, LINK_CHANGED);
      device.registers.put(INTERRUPT_CAUSE_SET, LINK_CHANGED);
      device.signals.expect(0, "MSI from the device");
      device.registers.put(INTERRUPT_MASK_CLEAR, -1);
      device.registers.put(INTERRUPT_CAUSE, -1);
      device.hush(Interrupts.MSI, Set.of(0));
    }
  }

  private void msix() throws Exception {
    try (PciDevice device = open()) {
      int vectors =
          device.interrupts.info().stream()
              .filter(kind -> kind.index() == Interrupts.MSIX)
              .findFirst()
              .orElseThrow()
              .count();
      Checks.equal(5, vectors, "vectors");
      device.listen(Interrupts.MSIX, vectors);
      for (int vector = 0; vector < vectors; vector++) {
        device.interrupts.trigger(Interrupts.MSIX, vector);
        device.signals.expect(vector, "MSI-X from software");
      }
      // Five causes, each to a vector of its own, in an order that is not theirs.
      Set<Integer> told = new HashSet<>();
      int allocation = 0;
      for (int cause = 0; cause < vectors; cause++) {
        allocation |= (8 | (vectors - 1 - cause)) << (4 * cause);
      }
      device.registers.put(VECTOR_ALLOCATION, allocation);
      device.registers.put(INTERRUPT_MASK_SET, 0x1f << 20);
      for (int cause = 0; cause < vectors; cause++) {
        int vector = vectors - 1 - cause;
        device.registers.put(INTERRUPT_CAUSE_SET, RECEIVE_QUEUE_0 << cause);
        device.signals.expect(vector, told, "MSI-X of cause " + cause);
        device.registers.put(INTERRUPT_CAUSE, -1);
        told.add(vector);
      }
      device.hush(Interrupts.MSIX, told);
    }
  }

  /**
   * Sends one frame through the loop-back of the adapter. It reads a descriptor and the frame, and
   * writes both descriptors and the frame, all by DMA above 4 GiB.
   */
  private void frame() throws Exception {
    try (PciDevice device = open()) {
      device.listen(Interrupts.MSIX, 1);
      device.registers.put(VECTOR_ALLOCATION, 8);
      device.registers.put(INTERRUPT_MASK_SET, RECEIVE_QUEUE_0);

      ByteBuffer memory = Registers.pages(4);
      ByteBuffer transmitRing = memory.slice(0, PAGE).order(memory.order());
      ByteBuffer receiveRing = memory.slice(PAGE, PAGE).order(memory.order());
      ByteBuffer sent = memory.slice(2 * PAGE, FRAME_BYTES);
      ByteBuffer received = memory.slice(3 * PAGE, FRAME_BYTES);
      device.host.dma().map(IOVA, memory, DmaSpace.Direction.READ_WRITE);

      for (int i = 0; i < FRAME_BYTES; i++) {
        // Broadcast, so that the adapter's address filter lets it through.
        sent.put(i, i < 6 ? (byte) 0xff : (byte) (i * 7));
      }
      receiveRing.putLong(0, IOVA + 3 * PAGE);
      ring(device.registers, RECEIVE_RING, IOVA + PAGE);
      device.registers.put(RECEIVE_CONTROL, 1 << 1 | 1 << 3 | 1 << 6 | 1 << 15);
      device.registers.put(RECEIVE_RING + RING_TAIL, 4);

      transmitRing.putLong(0, IOVA + 2 * PAGE);
      transmitRing.putLong(8, FRAME_BYTES | 0x0bL << 24);
      ring(device.registers, TRANSMIT_RING, IOVA);
      device.registers.put(TRANSMIT_CONTROL, 1 << 1 | 1 << 3);
      device.registers.put(TRANSMIT_RING + RING_TAIL, 1);

      device.signals.expect(0, "frame received");
      Checks.equal(1, transmitRing.get(12) & 1, "transmit descriptor written back");
      Checks.equal(1, receiveRing.get(12) & 1, "receive descriptor written back");
      Checks.equal(sent, received, "frame");
      device.hush(Interrupts.MSIX, Set.of(0));
    }
  }

  private static void ring(Registers registers, int ring, long iova) throws Exception {
    registers.put(ring, (int) iova);
    registers.put(ring + RING_HIGH, (int) (iova >>> 32));
    registers.put(ring + RING_LENGTH, 8 * 16);
    registers.put(ring + RING_HEAD, 0);
    registers.put(ring + RING_TAIL, 0);
  }
}
