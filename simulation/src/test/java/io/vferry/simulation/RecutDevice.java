package io.vferry.simulation;

import io.vferry.compat.v1.V1Device;
import io.vferry.compat.v1.V1State;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.SplittableRandom;

/** Hands the chunks of another v1 device over in pieces of random sizes. */
final class RecutDevice implements V1Device {

  private final V1Device inner;
  private final SplittableRandom random;
  private final int mostBits;

  /** The inner chunk, and which part of it is handed over. */
  private long innerOffset;

  private long innerBytes;
  private long doneBytes;
  private long pieceBytes;
  private boolean handedOut;

  RecutDevice(V1Device inner, SplittableRandom random) {
    this.inner = inner;
    this.random = random;
    this.mostBits = 64 - Long.numberOfLeadingZeros(inner.regionBytes());
  }

  @Override
  public long regionBytes() {
    return inner.regionBytes();
  }

  @Override
  public Map<String, String> describe() throws MigrationException {
    return inner.describe();
  }

  @Override
  public int readDeviceState() throws MigrationException {
    return inner.readDeviceState();
  }

  @Override
  public void writeDeviceState(int bits) throws MigrationException {
    inner.writeDeviceState(bits);
    if ((bits & V1State.SAVING_BIT) == 0) {
      forget();
    }
  }

  private void forget() {
    innerBytes = 0;
    doneBytes = 0;
    pieceBytes = 0;
    handedOut = false;
  }

  @Override
  public long readPendingBytes() throws MigrationException {
    if (handedOut) {
      doneBytes += pieceBytes;
      handedOut = false;
    }
    if (doneBytes < innerBytes) {
      return innerBytes - doneBytes;
    }
    forget();
    return inner.readPendingBytes();
  }

  @Override
  public long readDataOffset() throws MigrationException {
    if ((inner.readDeviceState() & V1State.SAVING_BIT) == 0) {
      return inner.readDataOffset();
    }
    if (!handedOut) {
      if (innerBytes == 0) {
        innerOffset = inner.readDataOffset();
        innerBytes = inner.readDataSize();
      }
      long most = 1L << random.nextInt(mostBits);
      pieceBytes = Math.min(innerBytes - doneBytes, random.nextLong(most) + 1);
      handedOut = pieceBytes > 0;
    }
    return innerOffset + doneBytes;
  }

  @Override
  public long readDataSize() {
    return pieceBytes;
  }

  @Override
  public void writeDataSize(long lengthBytes) throws MigrationException {
    inner.writeDataSize(lengthBytes);
  }

  @Override
  public void readData(long offset, ByteBuffer into) throws MigrationException {
    inner.readData(offset, into);
  }

  @Override
  public void writeData(long offset, ByteBuffer from) throws MigrationException {
    inner.writeData(offset, from);
  }

  @Override
  public void reset() throws MigrationException {
    inner.reset();
    forget();
  }

  @Override
  public void close() throws MigrationException {
    inner.close();
  }
}
