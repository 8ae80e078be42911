package com.example.beacon;

import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;

/** Gives an image that was read when the device entered STOP_COPY. */
final class BeaconSaveStream implements SaveStream {

  private final BeaconRegisters registers;
  private final ByteBuffer image;
  private volatile boolean closed;

  BeaconSaveStream(BeaconRegisters registers, byte[] image) {
    this.registers = registers;
    this.image = ByteBuffer.wrap(image);
  }

  @Override
  public Status read(ByteBuffer into) throws MigrationException {
    // The guest may have reset the device, and then the image is of a device that is no more.
    boolean saving = registers.get(BeaconRegisters.STATE) == DeviceState.STOP_COPY.number();
    if (closed || !saving) {
      throw new MigrationException(DeviceError.SESSION_CLOSED, "the Beacon is not being saved");
    }
    if (!image.hasRemaining()) {
      return Status.END;
    }
    int length = Math.min(into.remaining(), image.remaining());
    into.put(image.slice().limit(length));
    image.position(image.position() + length);
    return Status.DATA;
  }

  @Override
  public void close() {
    closed = true;
  }
}
