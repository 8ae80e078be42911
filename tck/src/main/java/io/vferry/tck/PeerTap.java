package io.vferry.tck;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/** A region of a peer that counts the writes of the other device. */
final class PeerTap implements Region {

  private final Region region;
  private final AtomicLong writes = new AtomicLong();

  PeerTap(Region region) {
    this.region = region;
  }

  long writes() {
    return writes.get();
  }

  @Override
  public RegionInfo info() {
    return region.info();
  }

  @Override
  public void read(long offset, ByteBuffer into) throws MigrationException {
    region.read(offset, into);
  }

  @Override
  public void write(long offset, ByteBuffer from) throws MigrationException {
    writes.incrementAndGet();
    region.write(offset, from);
  }

  @Override
  public List<MemoryRange> mappableParts() {
    return List.of();
  }

  @Override
  public Optional<ByteBuffer> map(long offset, int lengthBytes) {
    return Optional.empty();
  }
}
