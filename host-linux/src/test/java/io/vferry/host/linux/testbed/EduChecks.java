package io.vferry.host.linux.testbed;

import io.vferry.host.linux.VfioBackend;
import io.vferry.host.linux.driver.VfioMigrationDriver;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * QEMU's educational device behind a virtual IOMMU; its registers are in QEMU's {@code
 * docs/specs/edu.txt}. Its DMA reaches 28 bits.
 */
final class EduChecks {

  static final int IDENTIFICATION = 0;
  static final int INVERTER = 4;
  static final int FACTORIAL = 8;
  static final int RAISE = 0x60;
  static final int ACKNOWLEDGE = 0x64;
  static final int DMA_SOURCE = 0x80;
  static final int DMA_DESTINATION = 0x88;
  static final int DMA_COUNT = 0x90;
  static final int DMA_COMMAND = 0x98;
  static final int DMA_BUFFER = 0x40000;
  static final int TO_DEVICE = 1 | 4;
  static final int FROM_DEVICE = 1 | 2 | 4;

  private static final long IOVA = 0x100000;
  private static final int PAGE = 4096;

  private final Chapter chapter;

  EduChecks(Chapter chapter) {
    this.chapter = chapter;
  }

  void run() {
    chapter.check("edu: regions", this::regions);
    chapter.check("edu: INTx masks, unmasks and waits", this::intx);
    chapter.check("edu: MSI", this::msi);
    chapter.check("edu: DMA map and the device's DMA", this::dma);
    chapter.check("edu: what it lacks is said", this::refusals);
  }

  private PciDevice open() throws Exception {
    return new PciDevice(chapter.openFirst());
  }

  private void regions() throws Exception {
    try (PciDevice device = open()) {
      RegionInfo bar = device.host.region(0).info();
      Checks.equal(new RegionInfo(0, 1 << 20, true, true, true), bar, "BAR 0");
      Checks.equal(0x010000ed, device.registers.get(IDENTIFICATION), "identification");
      device.registers.put(INVERTER, 0x12345678);
      Checks.equal(~0x12345678, device.registers.get(INVERTER), "inverter");

      ByteBuffer mapped = device.host.region(0).map(0, PAGE).orElseThrow();
      Checks.equal(~0x12345678, mapped.order(ByteOrder.LITTLE_ENDIAN).getInt(INVERTER), "mapped");
      mapped.putInt(INVERTER, 0x0f0f0f0f);
      Checks.equal(0xf0f0f0f0, device.registers.get(INVERTER), "written through the mapping");

      ByteBuffer head = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
      device.host.region(RegionInfo.PCI_CONFIG).read(0, head);
      Checks.equal(0x11e81234, head.getInt(0), "vendor and device in the config space");
      Checks.equal(0x1234, device.host.info().vendorId(), "vendor");
      Checks.equal(0x11e8, device.host.info().deviceId(), "device");

      Checks.fails(
          DeviceError.BAD_REQUEST,
          () -> device.host.region(0).read((1 << 20) - 2, ByteBuffer.allocate(4)));
      Checks.fails(
          DeviceError.BAD_REQUEST, () -> device.host.region(0).read(-4, ByteBuffer.allocate(4)));
      Checks.fails(DeviceError.BAD_REQUEST, () -> device.host.region(1));
    }
  }

  private void intx() throws Exception {
    try (PciDevice device = open()) {
      device.listen(Interrupts.INTX, 1);
      device.registers.put(RAISE, 1);
      device.signals.expect(0, "INTx raised");
      // The host masked it. Still asserted, it comes again when unmasked.
      device.interrupts.unmask(Interrupts.INTX, 0);
      device.signals.expect(0, "INTx still asserted");
      device.registers.put(ACKNOWLEDGE, 1);
      device.interrupts.unmask(Interrupts.INTX, 0);

      device.interrupts.mask(Interrupts.INTX, 0);
      device.registers.put(RAISE, 2);
      device.interrupts.unmask(Interrupts.INTX, 0);
      device.signals.expect(0, "INTx raised while masked");
      device.registers.put(ACKNOWLEDGE, 2);
      device.interrupts.unmask(Interrupts.INTX, 0);

      device.registers.put(RAISE, 4);
      device.signals.expect(0, "INTx raised again");
      device.registers.put(ACKNOWLEDGE, 4);
      device.hush(Interrupts.INTX);
    }
  }

  private void msi() throws Exception {
    try (PciDevice device = open()) {
      device.listen(Interrupts.MSI, 1);
      Checks.fails(
          DeviceError.BAD_REQUEST,
          () -> device.interrupts.enable(Interrupts.INTX, 1, vector -> {}));
      Checks.fails(DeviceError.BAD_REQUEST, () -> device.interrupts.mask(Interrupts.MSI, 0));
      device.interrupts.trigger(Interrupts.MSI, 0);
      device.signals.expect(0, "MSI from software");
      device.registers.put(RAISE, 1);
      device.signals.expect(0, "MSI from the device");
      device.registers.put(ACKNOWLEDGE, 1);
      device.interrupts.disable(Interrupts.MSI);
      Checks.fails(DeviceError.BAD_REQUEST, () -> device.interrupts.trigger(Interrupts.MSI, 0));
      device.listen(Interrupts.MSI, 1);
      device.registers.put(RAISE, 1);
      device.signals.expect(0, "MSI turned on again");
      device.hush(Interrupts.MSI);
    }
  }

  private void dma() throws Exception {
    try (PciDevice device = open()) {
      device.listen(Interrupts.MSI, 1);
      DmaSpace space = device.host.dma();
      Checks.equal((long) PAGE, space.pageSizeBytes(), "page size");
      MemoryRange page = new MemoryRange(IOVA, PAGE);
      Checks.that(
          space.usableRanges().stream().anyMatch(range -> range.contains(page)),
          "IOVA is usable: " + space.usableRanges());
      // The window of interrupt messages is a hole in each x86 address space.
      MemoryRange messages = new MemoryRange(0xfee00000L, PAGE);
      Checks.that(
          space.usableRanges().stream().noneMatch(range -> range.overlaps(messages)),
          "messages are not usable: " + space.usableRanges());

      ByteBuffer memory = Registers.pages(2);
      space.map(IOVA, memory.slice(0, PAGE), DmaSpace.Direction.READ_WRITE);
      Checks.fails(
          DeviceError.BAD_REQUEST,
          () -> space.map(IOVA, memory.slice(PAGE, PAGE), DmaSpace.Direction.READ));
      Checks.fails(
          DeviceError.BAD_REQUEST,
          () -> space.map(IOVA + PAGE, memory.slice(64, PAGE), DmaSpace.Direction.READ));
      Checks.fails(
          DeviceError.BAD_REQUEST,
          () -> space.map(0xfee00000L, memory.slice(PAGE, PAGE), DmaSpace.Direction.READ));
      Checks.fails(DeviceError.BAD_REQUEST, () -> space.unmap(new MemoryRange(IOVA, PAGE / 2)));

      memory.putLong(0, 0x1122334455667788L).putLong(8, -1L);
      transfer(device, IOVA, DMA_BUFFER, TO_DEVICE);
      transfer(device, DMA_BUFFER, IOVA + 64, FROM_DEVICE);
      Checks.equal(0x1122334455667788L, memory.getLong(64), "memory to device to memory");

      // What is unmapped is not reached any more: a second round leaves it as it is.
      memory.putLong(0, 0x0123456789abcdefL);
      transfer(device, IOVA, DMA_BUFFER, TO_DEVICE);
      space.unmap(page);
      transfer(device, DMA_BUFFER, IOVA + 64, FROM_DEVICE);
      Checks.equal(0x1122334455667788L, memory.getLong(64), "memory after unmap");

      // A device that may only read does not write.
      space.map(IOVA, memory.slice(0, PAGE), DmaSpace.Direction.READ);
      transfer(device, DMA_BUFFER, IOVA + 64, FROM_DEVICE);
      Checks.equal(0x1122334455667788L, memory.getLong(64), "memory mapped for reading");
      space.unmap(new MemoryRange(0, 1L << 32));

      space.map(IOVA, memory.slice(PAGE, PAGE), DmaSpace.Direction.WRITE);
      transfer(device, DMA_BUFFER, IOVA, FROM_DEVICE);
      Checks.equal(0x0123456789abcdefL, memory.getLong(PAGE), "memory mapped for writing");
    }
  }

  static void transfer(PciDevice device, long source, long destination, int command)
      throws Exception {
    Registers registers = device.registers;
    registers.putLong(DMA_SOURCE, source);
    registers.putLong(DMA_DESTINATION, destination);
    registers.putLong(DMA_COUNT, 8);
    registers.putLong(DMA_COMMAND, command);
    device.signals.expect(0, "end of DMA");
    registers.put(ACKNOWLEDGE, 0x100);
  }

  private void refusals() throws Exception {
    VfioMigrationDriver driver = new VfioMigrationDriver();
    try (PciDevice device = open()) {
      Checks.equal(false, device.host.info().hostMigration(), "host migration");
      Checks.equal(DriverMatch.Rank.NONE, driver.match(device.host.info()).rank(), "match");
      Checks.that(device.host.capability(HostMigration.class).isEmpty(), "no migration");
      Checks.that(device.host.capability(DmaLog.class).isEmpty(), "no DMA log");
      Checks.that(
          Checks.fails(DeviceError.NOT_MIGRATABLE, () -> driver.attach(device.host))
              .getMessage()
              .contains("mlx5_vfio_pci"),
          "the remedy is named");
      Checks.fails(DeviceError.RESET_FAILED, device.host::reset);
      // A second open of the group by another instance is another process to the kernel.
      Checks.that(
          Checks.fails(
                  DeviceError.OPEN_FAILED, () -> Chapter.open(new VfioBackend(), chapter.first()))
              .getMessage()
              .contains("in use"),
          "that it is in use is said");
    }
    Checks.fails(DeviceError.OPEN_FAILED, () -> chapter.open("vfio:0000:7f:00.0"));
    Checks.fails(DeviceError.BAD_REQUEST, () -> chapter.open("vfio:nonsense"));
  }
}
