package io.vferry.vendor.mlx5.queue;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Big-endian dwords in BAR 0. Any thread. */
final class FunctionRegisters {

  private final Region bar;

  FunctionRegisters(Region bar) {
    this.bar = bar;
  }

  int read(long offset) throws CommandException {
    ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.BIG_ENDIAN);
    try {
      bar.read(offset, bytes);
    } catch (MigrationException e) {
      throw lost(e);
    }
    return bytes.getInt(0);
  }

  void write(long offset, int value) throws CommandException {
    try {
      bar.write(offset, ByteBuffer.allocate(4).order(ByteOrder.BIG_ENDIAN).putInt(0, value));
    } catch (MigrationException e) {
      throw lost(e);
    }
  }

  private static CommandException lost(MigrationException e) {
    return CommandException.lost("a register of the physical function failed: " + e.detail());
  }
}
