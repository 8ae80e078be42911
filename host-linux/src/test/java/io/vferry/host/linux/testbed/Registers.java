package io.vferry.host.linux.testbed;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Little-endian registers in a region of a PCI device. */
final class Registers {

  private static final int COMMAND = 4;
  private static final int MEMORY_AND_BUS_MASTER = 6;
  private static final int PAGE = 4096;

  private final Region region;

  Registers(HostDevice device, int region) throws MigrationException {
    this.region = device.region(region);
  }

  /** Lets a PCI device answer in its memory and do DMA. */
  static void turnOn(HostDevice device) throws MigrationException {
    Region config = device.region(RegionInfo.PCI_CONFIG);
    ByteBuffer command = ByteBuffer.allocate(2).order(ByteOrder.LITTLE_ENDIAN);
    config.read(COMMAND, command);
    command.putShort(0, (short) (command.getShort(0) | MEMORY_AND_BUS_MASTER));
    config.write(COMMAND, command.rewind());
  }

  /** Returns memory that can be mapped for DMA. */
  static ByteBuffer pages(int count) {
    return ByteBuffer.allocateDirect((count + 1) * PAGE)
        .alignedSlice(PAGE)
        .limit(count * PAGE)
        .slice()
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  int get(int offset) throws MigrationException {
    ByteBuffer word = ByteBuffer.allocateDirect(4).order(ByteOrder.LITTLE_ENDIAN);
    region.read(offset, word);
    return word.getInt(0);
  }

  void put(int offset, int value) throws MigrationException {
    ByteBuffer word = ByteBuffer.allocateDirect(4).order(ByteOrder.LITTLE_ENDIAN);
    region.write(offset, word.putInt(0, value));
  }

  long getLong(int offset) throws MigrationException {
    ByteBuffer words = ByteBuffer.allocateDirect(8).order(ByteOrder.LITTLE_ENDIAN);
    region.read(offset, words);
    return words.getLong(0);
  }

  void putLong(int offset, long value) throws MigrationException {
    ByteBuffer words = ByteBuffer.allocateDirect(8).order(ByteOrder.LITTLE_ENDIAN);
    region.write(offset, words.putLong(0, value));
  }

  Region region() {
    return region;
  }
}
