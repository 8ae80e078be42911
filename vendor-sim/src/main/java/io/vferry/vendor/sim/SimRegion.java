package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import java.nio.ByteBuffer;
import java.util.Optional;

/** A region whose accesses are checked before they reach the device. */
abstract class SimRegion implements Region {

  private final RegionInfo info;

  SimRegion(int index, int sizeBytes) {
    this(index, sizeBytes, false);
  }

  SimRegion(int index, int sizeBytes, boolean mappable) {
    this.info = new RegionInfo(index, sizeBytes, true, true, mappable);
  }

  @Override
  public final RegionInfo info() {
    return info;
  }

  @Override
  public final void read(long offset, ByteBuffer into) throws MigrationException {
    check(offset, into.remaining());
    load((int) offset, into);
  }

  @Override
  public final void write(long offset, ByteBuffer from) throws MigrationException {
    check(offset, from.remaining());
    store((int) offset, from);
  }

  @Override
  public final Optional<ByteBuffer> map(long offset, int lengthBytes) throws MigrationException {
    check(offset, lengthBytes);
    return mapped((int) offset, lengthBytes);
  }

  /** Maps a part; all of it is inside. */
  Optional<ByteBuffer> mapped(int offset, int lengthBytes) throws MigrationException {
    return Optional.empty();
  }

  /** Reads as many bytes as there is room for; all of them are inside. */
  abstract void load(int offset, ByteBuffer into) throws MigrationException;

  /** Writes the remaining bytes; all of them are inside. */
  abstract void store(int offset, ByteBuffer from) throws MigrationException;

  private void check(long offset, int length) throws MigrationException {
    if (offset < 0 || length < 0 || offset > info.sizeBytes() - length) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "%d bytes at offset %d are not inside region %d of %d bytes"
              .formatted(length, offset, info.index(), info.sizeBytes()));
    }
  }
}
