package io.vferry.compat.v1;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A device whose v1 region is at hand: each access is one read or write of a whole field, as
 * clients of Linux 5.8 did it. With it one adapter serves each host that still shows the region.
 */
public final class V1RegionDevice implements V1Device {

  /** Resets the device. */
  @FunctionalInterface
  public interface Reset {
    /**
     * Does what {@code VFIO_DEVICE_RESET} does.
     *
     * @throws MigrationException {@code RESET_FAILED}
     */
    void reset() throws MigrationException;
  }

  private final Region region;
  private final Reset reset;

  /**
   * Creates the device.
   *
   * @param region the migration region; stays the caller's
   */
  public V1RegionDevice(Region region, Reset reset) {
    this.region = region;
    this.reset = reset;
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
    return get(V1Field.DATA_OFFSET);
  }

  @Override
  public long readDataSize() throws MigrationException {
    return get(V1Field.DATA_SIZE);
  }

  @Override
  public void writeDataSize(long lengthBytes) throws MigrationException {
    set(V1Field.DATA_SIZE, lengthBytes);
  }

  @Override
  public void readData(long offset, ByteBuffer into) throws MigrationException {
    region.read(offset, into);
  }

  @Override
  public void writeData(long offset, ByteBuffer from) throws MigrationException {
    region.write(offset, from);
  }

  @Override
  public void reset() throws MigrationException {
    reset.reset();
  }

  @Override
  public void close() {}

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
