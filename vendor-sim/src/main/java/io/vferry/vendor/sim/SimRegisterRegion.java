package io.vferry.vendor.sim;

import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;

/**
 * A region of registers of 8 bytes, little endian. A narrower or unaligned access reads the
 * registers it touches and puts its bytes into what they hold.
 */
abstract class SimRegisterRegion extends SimRegion {

  SimRegisterRegion(int index, int sizeBytes) {
    super(index, sizeBytes);
  }

  abstract long get(int register) throws MigrationException;

  abstract void set(int register, long value) throws MigrationException;

  /** Returns what {@link #get} would, without its side effects. */
  abstract long peek(int register);

  @Override
  void load(int offset, ByteBuffer into) throws MigrationException {
    int at = offset;
    while (into.hasRemaining()) {
      int shift = at & 7;
      long value = get(at & ~7);
      for (int index = shift; index < Long.BYTES && into.hasRemaining(); index++) {
        into.put((byte) (value >>> (index * Byte.SIZE)));
        at++;
      }
    }
  }

  @Override
  void store(int offset, ByteBuffer from) throws MigrationException {
    int at = offset;
    while (from.hasRemaining()) {
      int register = at & ~7;
      long value = peek(register);
      for (int index = at & 7; index < Long.BYTES && from.hasRemaining(); index++) {
        int bits = index * Byte.SIZE;
        value = (value & ~(0xffL << bits)) | ((from.get() & 0xffL) << bits);
        at++;
      }
      set(register, value);
    }
  }
}
