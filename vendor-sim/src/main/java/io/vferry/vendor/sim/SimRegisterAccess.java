package io.vferry.vendor.sim;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Reads and writes registers of 8 bytes of a region. */
final class SimRegisterAccess {

  private final Region region;

  SimRegisterAccess(Region region) {
    this.region = region;
  }

  Region region() {
    return region;
  }

  long get(int register) throws MigrationException {
    ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    region.read(register, bytes);
    return bytes.getLong(0);
  }

  void set(int register, long value) throws MigrationException {
    ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    region.write(register, bytes.putLong(0, value));
  }

  /** Has an arc performed and returns the result; only one thread at a time does that. */
  int arc(long command) throws MigrationException {
    set(SimRegisters.COMMAND, command);
    return (int) get(SimRegisters.ARC_RESULT);
  }

  /** Writes the command and returns its result; any thread, also while another is in an arc. */
  synchronized int command(long command) throws MigrationException {
    set(SimRegisters.COMMAND, command);
    return (int) get(SimRegisters.RESULT);
  }
}
