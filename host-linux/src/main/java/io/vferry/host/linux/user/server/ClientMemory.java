package io.vferry.host.linux.user.server;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Memory of a client that is not in this process. A device reaches it the way it reaches a region
 * of another device.
 */
final class ClientMemory implements Region {

  private final RegionInfo info;
  private final ByteAccess access;
  private final long base;
  private volatile boolean gone;

  /**
   * Creates one.
   *
   * @param access through which it is reached
   * @param base what its first byte is there
   */
  ClientMemory(long sizeBytes, boolean readable, boolean writable, ByteAccess access, long base) {
    this.info = new RegionInfo(0, sizeBytes, readable, writable, false);
    this.access = access;
    this.base = base;
  }

  /** Lets each later access fail. */
  void unmapped() {
    gone = true;
  }

  @Override
  public RegionInfo info() {
    return info;
  }

  @Override
  public void read(long offset, ByteBuffer into) throws MigrationException {
    check(offset, into.remaining(), info.readable());
    access.read(base + offset, into);
  }

  @Override
  public void write(long offset, ByteBuffer from) throws MigrationException {
    check(offset, from.remaining(), info.writable());
    access.write(base + offset, from);
  }

  private void check(long offset, int length, boolean allowed) throws MigrationException {
    if (gone || !allowed || offset < 0 || offset > info.sizeBytes() - length) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "%d bytes at offset 0x%x of the client's memory cannot be reached"
              .formatted(length, offset));
    }
  }

  @Override
  public Optional<ByteBuffer> map(long offset, int lengthBytes) {
    return Optional.empty();
  }
}
