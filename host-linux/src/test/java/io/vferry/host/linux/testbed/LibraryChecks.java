package io.vferry.host.linux.testbed;

import io.vferry.host.linux.syscall.MemoryFile;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The device of {@code testbed/libvfio-user/device.c}, which another process has with libvfio-user.
 * Its head says what the registers mean.
 */
final class LibraryChecks {

  private static final int ADDRESS = 0;
  private static final int LENGTH = 8;
  private static final int COMMAND = 16;
  private static final int RESETS = 24;
  private static final int TO_MEMORY_BY_MESSAGE = 1;
  private static final int FROM_MEMORY_BY_MESSAGE = 2;
  private static final int TO_MEMORY_BY_FILE = 3;
  private static final int FROM_MEMORY_BY_FILE = 4;
  private static final int EFAULT = 14;
  private static final int ENXIO = 6;
  private static final int DEVICE_MEMORY_BYTES = 3 << 20;
  private static final int MAPPABLE_BYTES = DEVICE_MEMORY_BYTES / 2;
  private static final int MIGRATION_REGION = 9;

  /** It says that it takes 65535, and takes so many. */
  private static final int MOST_MAPPINGS = 16;

  private static final long IOVA = 0x1_0000_0000L;
  private static final int PAGE = 4096;

  private final Chapter chapter;

  LibraryChecks(Chapter chapter) {
    this.chapter = chapter;
  }

  void run() {
    chapter.check("libvfio-user: what the device has", this::regions);
    chapter.check("libvfio-user: memory by message and by mapping", this::mapping);
    chapter.check("libvfio-user: DMA by messages", this::byMessages);
    chapter.check("libvfio-user: DMA by the memory's file", this::byFile);
    chapter.check("libvfio-user: DMA that is not allowed", this::forbidden);
    chapter.check("libvfio-user: as many mappings as it takes, and more", this::manyMappings);
    chapter.check("libvfio-user: reset", this::reset);
  }

  void fill() {
    chapter.check(
        "libvfio-user: the source is filled",
        () -> {
          try (HostDevice device = chapter.openFirst()) {
            Registers registers = new Registers(device, 0);
            registers.putLong(ADDRESS, 0x0102030405060708L);
            registers.putLong(LENGTH, 0x1112131415161718L);
            device.region(2).write(0, pattern(1, DEVICE_MEMORY_BYTES));
          }
        });
  }

  void arrived() {
    chapter.check(
        "libvfio-user: registers and memory arrived",
        () -> {
          try (HostDevice device = chapter.openFirst()) {
            Registers registers = new Registers(device, 0);
            Checks.equal(0x0102030405060708L, registers.getLong(ADDRESS), "the first register");
            Checks.equal(0x1112131415161718L, registers.getLong(LENGTH), "the second register");
            Checks.equal(pattern(1, DEVICE_MEMORY_BYTES), content(device), "memory");
          }
        });
  }

  private void regions() throws Exception {
    try (HostDevice device = chapter.openFirst()) {
      Checks.equal(0x1b36, device.info().vendorId(), "vendor");
      Checks.equal(0x0005, device.info().deviceId(), "device");
      Checks.equal(0xf5f5, device.info().subsystemVendorId(), "subsystem vendor");
      Checks.equal(
          List.of(
              new RegionInfo(0, 32, true, true, false),
              new RegionInfo(2, DEVICE_MEMORY_BYTES, true, true, true),
              new RegionInfo(RegionInfo.PCI_CONFIG, 256, true, true, false),
              new RegionInfo(MIGRATION_REGION, PAGE + (256 << 10), true, true, false)),
          device.regions(),
          "regions");
      Checks.equal("9", device.info().properties().get("v1-region"), "migration region");
      Checks.equal(false, device.info().hostMigration(), "migration by DEVICE_FEATURE");
      Checks.equal(
          1,
          (int) device.interrupts().info().stream().filter(kind -> kind.index() == 0).count(),
          "INTx");
      Checks.fails(
          DeviceError.BAD_REQUEST, () -> device.region(0).read(32, ByteBuffer.allocate(8)));
      // Its server refuses accesses of other widths, and goes on.
      Checks.fails(DeviceError.IO_FAILED, () -> device.region(0).read(0, ByteBuffer.allocate(4)));
      Registers registers = new Registers(device, 0);
      registers.putLong(ADDRESS, 42);
      Checks.equal(42L, registers.getLong(ADDRESS), "a register after a refused access");
    }
  }

  private void mapping() throws Exception {
    try (HostDevice device = chapter.openFirst()) {
      Region memory = device.region(2);
      Checks.equal(
          List.of(new MemoryRange(0, MAPPABLE_BYTES)), memory.mappableParts(), "mappable parts");
      Checks.that(memory.map(MAPPABLE_BYTES, PAGE).isEmpty(), "the rest cannot be mapped");
      ByteBuffer written = pattern(2, DEVICE_MEMORY_BYTES);
      memory.write(0, written.duplicate());
      ByteBuffer mapped = memory.map(0, MAPPABLE_BYTES).orElseThrow();
      Checks.equal(written.duplicate().limit(MAPPABLE_BYTES), mapped.duplicate(), "mapped");
      mapped.put(PAGE, pattern(3, PAGE), 0, PAGE);
      ByteBuffer page = ByteBuffer.allocate(PAGE);
      memory.read(PAGE, page);
      Checks.equal(pattern(3, PAGE), page.flip(), "stored through the mapping");
    }
  }

  /** Memory without a file: the library asks for each piece of it. */
  private void byMessages() throws Exception {
    ByteBuffer memory = Registers.pages(DEVICE_MEMORY_BYTES / PAGE);
    try (PciDevice device = new PciDevice(chapter.openFirst())) {
      device.listen(Interrupts.INTX, 1);
      device.host.dma().map(IOVA, memory, DmaSpace.Direction.READ_WRITE);
      there(device, memory, TO_MEMORY_BY_MESSAGE, 4);
      back(device, memory, FROM_MEMORY_BY_MESSAGE, 5);
      Checks.equal(
          ENXIO, transfer(device, TO_MEMORY_BY_FILE, IOVA, PAGE), "DMA by a file it did not get");
    }
  }

  private void byFile() throws Exception {
    try (MemoryFile file = MemoryFile.create("memory", DEVICE_MEMORY_BYTES);
        PciDevice device = new PciDevice(chapter.openFirst())) {
      ByteBuffer memory = file.slice(0, DEVICE_MEMORY_BYTES);
      device.listen(Interrupts.INTX, 1);
      device.host.dma().map(IOVA, memory, DmaSpace.Direction.READ_WRITE);
      there(device, memory, TO_MEMORY_BY_FILE, 6);
      back(device, memory, FROM_MEMORY_BY_FILE, 7);
      // It may ask all the same.
      there(device, memory, TO_MEMORY_BY_MESSAGE, 8);
      back(device, memory, FROM_MEMORY_BY_MESSAGE, 9);
    }
  }

  private void forbidden() throws Exception {
    try (MemoryFile file = MemoryFile.create("memory", 4 * PAGE);
        PciDevice device = new PciDevice(chapter.openFirst())) {
      device.listen(Interrupts.INTX, 1);
      device.host.region(2).write(0, pattern(10, PAGE));
      device.host.dma().map(IOVA, file.slice(0, PAGE), DmaSpace.Direction.READ);
      Checks.equal(
          EFAULT, transfer(device, TO_MEMORY_BY_FILE, IOVA, PAGE), "a write to what it may read");
      Checks.equal(0, transfer(device, FROM_MEMORY_BY_FILE, IOVA, PAGE), "a read of it");
      Checks.equal(
          EFAULT, transfer(device, FROM_MEMORY_BY_FILE, IOVA + PAGE, PAGE), "what is not mapped");
      device.host.dma().unmap(new MemoryRange(IOVA, PAGE));
      Checks.equal(
          EFAULT, transfer(device, FROM_MEMORY_BY_FILE, IOVA, PAGE), "what is mapped no more");
      Checks.equal(
          EFAULT, transfer(device, FROM_MEMORY_BY_MESSAGE, IOVA, PAGE), "the same by message");
    }
  }

  private void manyMappings() throws Exception {
    int count = MOST_MAPPINGS;
    try (MemoryFile file = MemoryFile.create("memory", (count + 1) * PAGE);
        PciDevice device = new PciDevice(chapter.openFirst())) {
      device.listen(Interrupts.INTX, 1);
      DmaSpace space = device.host.dma();
      for (int round = 0; round < 2; round++) {
        for (int i = 0; i < count; i++) {
          space.map(
              IOVA + 2L * i * PAGE, file.slice(i * PAGE, PAGE), DmaSpace.Direction.READ_WRITE);
        }
        Checks.fails(
            DeviceError.BAD_REQUEST,
            () ->
                space.map(
                    IOVA - PAGE, file.slice(count * PAGE, PAGE), DmaSpace.Direction.READ_WRITE));
        device.host.region(2).write(0, pattern(20 + round, PAGE));
        for (int i = 0; i < count; i += 5) {
          Checks.equal(
              0, transfer(device, TO_MEMORY_BY_FILE, IOVA + 2L * i * PAGE, PAGE), "write " + i);
          Checks.equal(pattern(20 + round, PAGE), file.slice(i * PAGE, PAGE), "page " + i);
        }
        for (int i = 0; i < count; i++) {
          space.unmap(new MemoryRange(IOVA + 2L * i * PAGE, PAGE));
        }
      }
    }
  }

  private void reset() throws Exception {
    try (HostDevice device = chapter.openFirst()) {
      device.region(2).write(0, pattern(11, PAGE));
      Registers registers = new Registers(device, 0);
      long before = registers.getLong(RESETS);
      device.reset();
      Checks.equal(before + 1, registers.getLong(RESETS), "resets");
      ByteBuffer page = ByteBuffer.allocate(PAGE);
      device.region(2).read(0, page);
      Checks.equal(ByteBuffer.allocate(PAGE), page.flip(), "memory after reset");
    }
  }

  private static void there(PciDevice device, ByteBuffer memory, int command, long seed)
      throws Exception {
    ByteBuffer bytes = pattern(seed, DEVICE_MEMORY_BYTES);
    device.host.region(2).write(0, bytes.duplicate());
    Checks.equal(0, transfer(device, command, IOVA, DEVICE_MEMORY_BYTES), "DMA " + command);
    Checks.equal(bytes, memory.duplicate(), "what DMA " + command + " wrote");
  }

  private static void back(PciDevice device, ByteBuffer memory, int command, long seed)
      throws Exception {
    ByteBuffer bytes = pattern(seed, DEVICE_MEMORY_BYTES);
    memory.put(0, bytes, 0, DEVICE_MEMORY_BYTES);
    Checks.equal(0, transfer(device, command, IOVA, DEVICE_MEMORY_BYTES), "DMA " + command);
    Checks.equal(bytes, content(device.host), "what DMA " + command + " read");
  }

  /** Has the device do DMA, and returns the errno that it got. */
  private static int transfer(PciDevice device, int command, long iova, long lengthBytes)
      throws Exception {
    device.registers.putLong(ADDRESS, iova);
    device.registers.putLong(LENGTH, lengthBytes);
    device.registers.putLong(COMMAND, command);
    device.signals.expect(0, "end of DMA");
    return (int) device.registers.getLong(COMMAND);
  }

  private static ByteBuffer content(HostDevice device) throws Exception {
    ByteBuffer content = ByteBuffer.allocate(DEVICE_MEMORY_BYTES);
    device.region(2).read(0, content);
    return content.flip();
  }

  private static ByteBuffer pattern(long seed, int lengthBytes) {
    byte[] bytes = new byte[lengthBytes];
    new SplittableRandom(seed).nextBytes(bytes);
    return ByteBuffer.wrap(bytes);
  }
}
