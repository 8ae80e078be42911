package io.vferry.vendor.sim;

import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** BAR 4: where other devices write their numbered messages, 64 bytes for each channel. */
final class SimMailbox extends SimRegion {

  private final SimHardware hardware;

  SimMailbox(SimHardware hardware) {
    super(SimRegisters.MAILBOX_BAR, SimRegisters.MAILBOX_BYTES);
    this.hardware = hardware;
  }

  static ByteBuffer message(long tag, long epoch, long sequence) {
    ByteBuffer bytes = ByteBuffer.allocate(SimRegisters.ENTRY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    return bytes
        .putLong(0, tag)
        .putLong(8, epoch)
        .putLong(16, sequence)
        .putLong(24, check(tag, epoch, sequence));
  }

  @Override
  void load(int offset, ByteBuffer into) {
    while (into.hasRemaining()) {
      into.put((byte) 0);
    }
  }

  @Override
  void store(int offset, ByteBuffer from) throws MigrationException {
    boolean whole =
        offset % SimRegisters.ENTRY_BYTES == 0 && from.remaining() == SimRegisters.ENTRY_BYTES;
    ByteBuffer bytes = from.slice().order(ByteOrder.LITTLE_ENDIAN);
    from.position(from.limit());
    long epoch = whole ? bytes.getLong(8) : 0;
    long sequence = whole ? bytes.getLong(16) : 0;
    boolean sound = whole && bytes.getLong(24) == check(bytes.getLong(0), epoch, sequence);
    hardware.receive(offset / SimRegisters.ENTRY_BYTES, sound, epoch, sequence);
    hardware.deliverInterrupts();
  }

  private static long check(long tag, long epoch, long sequence) {
    return SimPattern.mix(tag ^ SimPattern.mix(epoch) ^ SimPattern.mix(~sequence));
  }
}
