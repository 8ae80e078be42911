package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import java.nio.ByteBuffer;
import java.util.Optional;

/** A mistake: what is read in one access is read in several. */
record HisiAccSplitReads(Region region) implements Region {

  @Override
  public RegionInfo info() {
    return region.info();
  }

  @Override
  public void read(long offset, ByteBuffer into) throws MigrationException {
    for (long at = offset; into.hasRemaining(); at += Integer.BYTES) {
      ByteBuffer part = ByteBuffer.allocate(Math.min(Integer.BYTES, into.remaining()));
      region.read(at, part);
      into.put(part.flip());
    }
  }

  @Override
  public void write(long offset, ByteBuffer from) throws MigrationException {
    region.write(offset, from);
  }

  @Override
  public Optional<ByteBuffer> map(long offset, int lengthBytes) throws MigrationException {
    return region.map(offset, lengthBytes);
  }
}
