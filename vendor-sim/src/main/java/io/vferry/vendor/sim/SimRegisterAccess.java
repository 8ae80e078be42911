package io.vferry.vendor.sim;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Reads and writes registers of 8 bytes of a region. */
final class SimRegisterAccess {

  private static final long SHORTEST_WAIT_NANOS = 1_000;

  /** Far beyond what an arc takes, so that a device that says nonsense is asked again. */
  private static final long LONGEST_WAIT_NANOS = 60_000_000_000L;

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

  /**
   * Has an arc performed and returns the result; only one thread at a time does that. An arc whose
   * result cannot be waited for is taken back, if it has not happened yet.
   *
   * @param clock by which the device lives
   */
  int arc(long command, HostClock clock) throws MigrationException {
    try {
      int begun = command(command);
      if (begun != SimRegisters.RESULT_DONE) {
        return begun;
      }
      int result = (int) get(SimRegisters.ARC_RESULT);
      while (result == SimRegisters.RESULT_PENDING) {
        long told = get(SimRegisters.ARC_WAIT_NANOS);
        clock.sleep(Math.max(SHORTEST_WAIT_NANOS, Math.min(told, LONGEST_WAIT_NANOS)));
        result = (int) get(SimRegisters.ARC_RESULT);
      }
      return result;
    } catch (InterruptedException e) {
      try {
        command(SimRegisters.COMMAND_ABANDON);
        return (int) get(SimRegisters.ARC_RESULT);
      } finally {
        Thread.currentThread().interrupt();
      }
    } catch (MigrationException e) {
      try {
        command(SimRegisters.COMMAND_ABANDON);
      } catch (MigrationException again) {
        e.addSuppressed(again);
      }
      throw e;
    }
  }

  /** Writes the command and returns its result; any thread, also while another is in an arc. */
  synchronized int command(long command) throws MigrationException {
    set(SimRegisters.COMMAND, command);
    return (int) get(SimRegisters.RESULT);
  }
}
