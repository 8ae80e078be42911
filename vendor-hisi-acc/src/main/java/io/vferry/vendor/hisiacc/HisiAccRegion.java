package io.vferry.vendor.hisiacc;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionWrite;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Registers of one function: little endian, each access in its own width. */
record HisiAccRegion(Region region) {

  int read(long offset) throws MigrationException {
    ByteBuffer word = buffer(Integer.BYTES);
    region.read(offset, word);
    return word.flip().getInt();
  }

  void write(long offset, int value) throws MigrationException {
    region.write(offset, buffer(Integer.BYTES).putInt(value).flip());
  }

  long readLong(long offset) throws MigrationException {
    ByteBuffer word = buffer(Long.BYTES);
    region.read(offset, word);
    return word.flip().getLong();
  }

  /** Returns the write of a word, to be done with others. */
  static RegionWrite ofWord(long offset, int value) {
    return new RegionWrite(offset, buffer(Integer.BYTES).putInt(value).flip());
  }

  /** Returns the write of a long word, to be done with others. */
  static RegionWrite ofLong(long offset, long value) {
    return new RegionWrite(offset, buffer(Long.BYTES).putLong(value).flip());
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
