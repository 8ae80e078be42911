package io.vferry.compat.v1;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A device whose v1 region is at hand: each access is one read or write of a whole field, as
 * clients of Linux 5.8 did it. With it one adapter serves each host that still shows the region.
 */
public final class V1RegionDevice implements V1Device {

  /** Whoever opened the region: what is done with the device other than through it. */
  @FunctionalInterface
  public interface Owner {
    /**
     * Does what {@code VFIO_DEVICE_RESET} does.
     *
     * @throws MigrationException {@code RESET_FAILED}
     */
    void reset() throws MigrationException;

    /**
     * Describes the device as {@link V1Device#describe()} does.
     *
     * @throws MigrationException {@code IO_FAILED} if the device could not be asked
     */
    default Map<String, String> describe() throws MigrationException {
      return Map.of();
    }

    /**
     * Lets go of the device; the user of the region is done.
     *
     * @throws MigrationException {@code IO_FAILED}; all is released all the same
     */
    default void close() throws MigrationException {}
  }

  private final Region region;
  private final Owner owner;
  private final @Nullable WholeChunk chunk;
  private long chunkOffset;
  private long chunkEnd;

  /**
   * Creates the device. Data are read and written in the pieces in which its user does it.
   *
   * @param region the migration region; stays the owner's
   */
  public V1RegionDevice(Region region, Owner owner) {
    this.region = region;
    this.owner = owner;
    this.chunk = null;
  }

  /**
   * Creates a device that takes a chunk only whole, or to which an access is a message.
   *
   * @param region the migration region; stays the owner's
   * @param wholeBytes a chunk of so many bytes or fewer is read or written in one access, a longer
   *     one in several of so many; at least 1. So much memory is kept
   */
  public V1RegionDevice(Region region, Owner owner, int wholeBytes) {
    this.region = region;
    this.owner = owner;
    this.chunk = new WholeChunk(region, wholeBytes);
  }

  @Override
  public Map<String, String> describe() throws MigrationException {
    return owner.describe();
  }

  @Override
  public long regionBytes() {
    return region.info().sizeBytes();
  }

  @Override
  public int readDeviceState() throws MigrationException {
    return (int) get(V1Field.DEVICE_STATE);
  }

  @Override
  public void writeDeviceState(int bits) throws MigrationException {
    set(V1Field.DEVICE_STATE, bits);
  }

  @Override
  public long readPendingBytes() throws MigrationException {
    return get(V1Field.PENDING_BYTES);
  }

  @Override
  public long readDataOffset() throws MigrationException {
    if (chunk != null) {
      chunk.forget();
    }
    chunkOffset = get(V1Field.DATA_OFFSET);
    return chunkOffset;
  }

  @Override
  public long readDataSize() throws MigrationException {
    long size = get(V1Field.DATA_SIZE);
    chunkEnd = chunkOffset + size;
    return size;
  }

  @Override
  public void writeDataSize(long lengthBytes) throws MigrationException {
    if (chunk != null) {
      chunk.flush();
    }
    set(V1Field.DATA_SIZE, lengthBytes);
  }

  @Override
  public void readData(long offset, ByteBuffer into) throws MigrationException {
    if (chunk == null) {
      region.read(offset, into);
    } else {
      chunk.read(offset, chunkEnd, into);
    }
  }

  @Override
  public void writeData(long offset, ByteBuffer from) throws MigrationException {
    if (chunk == null) {
      region.write(offset, from);
    } else {
      chunk.write(offset, from);
    }
  }

  @Override
  public void reset() throws MigrationException {
    owner.reset();
  }

  @Override
  public void close() throws MigrationException {
    owner.close();
  }

  private long get(V1Field field) throws MigrationException {
    ByteBuffer bytes = field(field);
    region.read(field.offset(), bytes);
    return field.widthBytes() == Integer.BYTES ? bytes.getInt(0) : bytes.getLong(0);
  }

  private void set(V1Field field, long value) throws MigrationException {
    ByteBuffer bytes = field(field);
    if (field.widthBytes() == Integer.BYTES) {
      bytes.putInt(0, (int) value);
    } else {
      bytes.putLong(0, value);
    }
    region.write(field.offset(), bytes);
  }

  private static ByteBuffer field(V1Field field) {
    return ByteBuffer.allocate(field.widthBytes()).order(ByteOrder.nativeOrder());
  }
}
