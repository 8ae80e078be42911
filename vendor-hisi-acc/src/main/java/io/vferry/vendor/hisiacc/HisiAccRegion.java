package io.vferry.vendor.hisiacc;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
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

  void writeLong(long offset, long value) throws MigrationException {
    region.write(offset, buffer(Long.BYTES).putLong(value).flip());
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
