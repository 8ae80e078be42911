package io.vferry.vendor.mlx5.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import java.nio.ByteBuffer;
import java.util.Optional;

/** A region without mappings, whose accesses are checked before they reach the card. */
abstract class Mlx5Region implements Region {

  private final RegionInfo info;

  Mlx5Region(int index, int sizeBytes) {
    this.info = new RegionInfo(index, sizeBytes, true, true, false);
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
    return Optional.empty();
  }

  /** Reads as many bytes as there is room for; all of them are inside. */
  abstract void load(int offset, ByteBuffer into);

  /** Writes the remaining bytes; all of them are inside. */
  abstract void store(int offset, ByteBuffer from);

  private void check(long offset, int length) throws MigrationException {
    if (offset < 0 || length < 0 || offset > info.sizeBytes() - length) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "%d bytes at offset %d are not inside region %d of %d bytes"
              .formatted(length, offset, info.index(), info.sizeBytes()));
    }
  }
}
