package com.example.beacon;

import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;

/** Collects an image; nothing reaches the device before all of it was proved. */
final class BeaconLoadStream implements LoadStream {

  private final int stateBytes;
  private final ByteBuffer image;
  private boolean tooLong;
  private volatile boolean closed;

  BeaconLoadStream(int stateBytes) {
    this.stateBytes = stateBytes;
    this.image = ByteBuffer.allocate(BeaconFormat.HEADER_BYTES + stateBytes);
  }

  @Override
  public void write(ByteBuffer from) throws MigrationException {
    if (closed) {
      throw new MigrationException(DeviceError.SESSION_CLOSED, "the Beacon is not being loaded");
    }
    tooLong |= from.remaining() > image.remaining();
    if (tooLong) {
      throw new MigrationException(
          DeviceError.DATA_TOO_LONG, "a Beacon takes %d bytes".formatted(image.capacity()));
    }
    image.put(from);
  }

  byte[] proveWhole() throws MigrationException {
    if (tooLong) {
      throw new MigrationException(DeviceError.DATA_CORRUPT, "more was written than belongs here");
    }
    byte[] written = new byte[image.position()];
    image.get(0, written);
    return BeaconFormat.decode(written, stateBytes);
  }

  @Override
  public void close() {
    closed = true;
  }
}
