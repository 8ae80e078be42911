package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What Linux 7.3 does to a function with its migration registers in its own BAR, access for access
 * ({@code drivers/vfio/pci/hisilicon/hisi_acc_vfio_pci.c}): the other end of a move between vferry
 * and a host whose kernel migrates by itself. Nothing of the driver is used.
 */
final class HisiAccLinux {

  private static final int BUSY = 1 << 13;

  private final HisiAccTestClock clock;
  private final HostDevice vf;
  private final int number;
  private final int queues;

  HisiAccLinux(HisiAccSide side) {
    this.clock = side.clock;
    this.vf = side.host;
    this.number = side.number;
    this.queues = side.chip.settings().queues();
  }

  /** RUNNING to STOP. */
  void stop() throws MigrationException {
    mailbox(0xe, 0);
    write(0x204, 1);
    while ((read(0x208) & 1) == 0) {
      clock.advance(10_000);
    }
  }

  /** STOP to STOP_COPY, with a guest whose driver is ready. */
  byte[] save() throws MigrationException {
    ByteBuffer out = ByteBuffer.allocate(176).order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(0x00, 0xaaccfeeddecadedeL).putInt(0x08, queues).putInt(0x0c, 0xa251);
    out.putInt(0x14, queues * number).putShort(0x1c, (short) 1);
    int[] registers = {0x04, 0x0c, 0x20, 0x24, 0x2c, 0x34};
    for (int index = 0; index < registers.length; index++) {
      out.putInt(0x28 + 4 * index, read(registers[index]));
    }
    for (int word = 0; word < 7; word++) {
      out.putInt(0x40 + 4 * word, read(0x8000 + 4L * word));
      out.putInt(0x5c + 4 * word, read(0x8020 + 4L * word));
    }
    out.putLong(0x90, out.getLong(0x44)).putLong(0x98, out.getLong(0x60));
    out.putLong(0xa0, mailbox(0x4004, 0)).putLong(0xa8, mailbox(0x4005, 0));
    // Event doorbells, at the end of the save and nowhere else.
    doorbell(0x2000, 2L << 12 | (out.getInt(0x40) & 0xffffL) << 32);
    doorbell(0x2000, 3L << 12 | (out.getInt(0x5c) & 0xffffL) << 32);
    return out.array();
  }

  /** RESUMING to STOP. */
  void load(byte[] stream) throws MigrationException {
    ByteBuffer in = HisiAccStreams.of(stream);
    write(0x60, in.getInt(0x18));
    int[] registers = {0x04, 0x0c, 0x20, 0x24, 0x2c};
    for (int index = 0; index < registers.length; index++) {
      write(registers[index], in.getInt(0x28 + 4 * index));
    }
    write(0x30, in.getInt(0x10));
    write(0x34, in.getInt(0x3c));
    for (int word = 0; word < 7; word++) {
      write(0x8000 + 4L * word, in.getInt(0x40 + 4 * word));
    }
    for (int word = 0; word < 7; word++) {
      write(0x8020 + 4L * word, in.getInt(0x5c + 4 * word));
    }
    mailbox(0x4, in.getLong(0xa0));
    mailbox(0x5, in.getLong(0xa8));
    write(0x20, 1);
    write(0x24, 0);
  }

  /** STOP to RUNNING. */
  void start() throws MigrationException {
    write(0x20, 1);
    write(0x24, 0);
    for (long queue = 0; queue < queues; queue++) {
      doorbell(0x1000, queue | 1L << 48);
    }
  }

  private long mailbox(int word, long data) throws MigrationException {
    ByteBuffer words = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    vf.region(2).write(0x300, words.putInt(0, word | BUSY).putLong(4, data));
    while (true) {
      vf.region(2).read(0x300, words.clear());
      if ((words.getInt(0) & BUSY) == 0) {
        return words.getLong(4);
      }
      clock.advance(10_000);
    }
  }

  private void doorbell(long offset, long value) throws MigrationException {
    ByteBuffer word = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    vf.region(2).write(offset, word.putLong(0, value));
  }

  private int read(long offset) throws MigrationException {
    ByteBuffer word = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    vf.region(2).read(offset, word);
    return word.getInt(0);
  }

  private void write(long offset, int value) throws MigrationException {
    ByteBuffer word = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    vf.region(2).write(offset, word.putInt(0, value));
  }
}
