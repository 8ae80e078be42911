package com.example.beacon;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The Beacon's migration registers, eight bytes each, and the window to its state. */
record BeaconRegisters(Region region) {

  static final int VENDOR_ID = 0xbeac;
  static final int BAR = 2;

  /** Number of the migration state as in the kernel's interface; writing it performs the arc. */
  static final int STATE = 0x00;

  /** Size of the state in bytes. */
  static final int STATE_BYTES = 0x08;

  /** A Beacon never has more; what reads as more is no Beacon, or one that is gone. */
  static final int MAX_STATE_BYTES = 2048;

  /** The state itself: read in STOP_COPY, written in RESUMING. */
  static final int WINDOW = 0x1000;

  long get(int register) throws MigrationException {
    ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    region.read(register, bytes);
    return bytes.getLong(0);
  }

  void set(int register, long value) throws MigrationException {
    ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    region.write(register, bytes.putLong(0, value));
  }

  /** Reads the size of the state. A device that is gone answers each read with all ones. */
  int stateBytes() throws MigrationException {
    long bytes = get(STATE_BYTES);
    if (bytes < 0 || bytes > MAX_STATE_BYTES) {
      throw new MigrationException(
          DeviceError.DEVICE_LOST,
          "the Beacon is gone: it says that it has %d bytes of state".formatted(bytes));
    }
    return (int) bytes;
  }

  byte[] readState(int length) throws MigrationException {
    ByteBuffer state = ByteBuffer.allocate(length);
    region.read(WINDOW, state);
    return state.array();
  }

  void writeState(byte[] state) throws MigrationException {
    region.write(WINDOW, ByteBuffer.wrap(state));
  }
}
