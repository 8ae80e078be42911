package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;

/** BAR 2: the migration registers and the data window. The guest never sees it. */
final class SimMigrationBar extends SimRegisterRegion {

  private final SimHardware hardware;
  private final SimMigrationPort port;
  private volatile int result;

  SimMigrationBar(SimHardware hardware) {
    super(SimRegisters.MIGRATION_BAR, SimRegisters.MIGRATION_BAR_BYTES);
    this.hardware = hardware;
    this.port = hardware.port();
  }

  @Override
  void load(int offset, ByteBuffer into) throws MigrationException {
    if (offset < SimRegisters.VERSIONS) {
      super.load(offset, into);
    } else {
      move(offset, into, false);
    }
  }

  @Override
  void store(int offset, ByteBuffer from) throws MigrationException {
    if (offset < SimRegisters.VERSIONS) {
      super.store(offset, from);
    } else {
      move(offset, from, true);
    }
  }

  private void move(int offset, ByteBuffer data, boolean write) throws MigrationException {
    int length = data.remaining();
    if (!port.window(offset, data, write)) {
      throw new MigrationException(
          DeviceError.IO_FAILED,
          "%d bytes at offset %d of the migration window are not part of a chunk"
              .formatted(length, offset));
    }
  }

  @Override
  long get(int register) {
    if (register != SimRegisters.ARC_RESULT) {
      return peek(register);
    }
    int now = port.look();
    // An arc that has just ended lets the device work, or go on.
    hardware.deliverInterrupts();
    return now;
  }

  @Override
  long peek(int register) {
    return register == SimRegisters.RESULT ? result : port.register(register);
  }

  @Override
  void set(int register, long value) {
    if (register == SimRegisters.COMMAND) {
      result = port.command(value);
      hardware.deliverInterrupts();
    } else {
      port.setRegister(register, value);
    }
  }
}
