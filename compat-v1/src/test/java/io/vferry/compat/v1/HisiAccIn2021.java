package io.vferry.compat.v1;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * What the HiSilicon accelerator driver did as it was posted on 15 September 2021 (v3), on v1: 32
 * bytes to match devices in pre-copy, all 168 when stopped, and a restore only in the change from
 * resuming to running. A device whose guest never set it up has nothing to save.
 */
final class HisiAccIn2021 implements V1Device {

  static final int MATCH_BYTES = 32;
  static final int TOTAL_BYTES = 168;
  private static final int DATA_OFFSET = 4096;

  final byte[] content;
  private final byte[] window = new byte[TOTAL_BYTES];
  private final boolean ready;
  private volatile int state = 1;
  private int availableBytes;
  private int loadedBytes;
  private boolean sizeRead;
  boolean restored;

  HisiAccIn2021(byte[] content, boolean ready) {
    this.content = content.clone();
    this.ready = ready;
  }

  @Override
  public long regionBytes() {
    return DATA_OFFSET + 4096;
  }

  @Override
  public int readDeviceState() {
    return state;
  }

  @Override
  public void writeDeviceState(int bits) throws MigrationException {
    if (bits > 4 || bits < 0) {
      throw failed();
    }
    sizeRead = false;
    if (bits == 3) {
      System.arraycopy(content, 0, window, 0, MATCH_BYTES);
      availableBytes = ready ? MATCH_BYTES : 0;
    } else if (bits == 2) {
      System.arraycopy(content, 0, window, 0, TOTAL_BYTES);
      availableBytes = ready ? TOTAL_BYTES : 0;
    } else if (bits == 4) {
      loadedBytes = 0;
    } else if (state == 4 && bits == 1 && loadedBytes == TOTAL_BYTES) {
      System.arraycopy(window, 0, content, 0, TOTAL_BYTES);
      restored = true;
    }
    state = bits;
  }

  private static MigrationException failed() {
    return new MigrationException(DeviceError.ARC_FAILED, "hisi_acc says no").withErrno(22);
  }

  @Override
  public long readPendingBytes() {
    if (sizeRead) {
      availableBytes = 0;
      sizeRead = false;
    }
    return availableBytes;
  }

  @Override
  public long readDataOffset() {
    return DATA_OFFSET;
  }

  @Override
  public long readDataSize() {
    sizeRead = true;
    return availableBytes;
  }

  @Override
  public void writeDataSize(long lengthBytes) throws MigrationException {
    boolean matches =
        Arrays.equals(window, 0, MATCH_BYTES, content, 0, MATCH_BYTES)
            && (lengthBytes == MATCH_BYTES || lengthBytes == TOTAL_BYTES);
    if (!matches) {
      throw new MigrationException(DeviceError.DATA_INCOMPATIBLE, "another device").withErrno(22);
    }
    loadedBytes = (int) lengthBytes;
  }

  @Override
  public void readData(long offset, ByteBuffer into) {
    into.put(window, (int) offset - DATA_OFFSET, into.remaining());
  }

  @Override
  public void writeData(long offset, ByteBuffer from) {
    from.get(window, (int) offset - DATA_OFFSET, from.remaining());
  }

  @Override
  public void reset() {
    state = 1;
  }

  @Override
  public void close() {}
}
