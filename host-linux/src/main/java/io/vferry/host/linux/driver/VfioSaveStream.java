package io.vferry.host.linux.driver;

import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.MigrationData;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;

/** The state of a device on its way out, as its host gives it. */
final class VfioSaveStream implements SaveStream {

  private final String device;
  private final MigrationData data;
  private volatile DeviceState deviceState;

  VfioSaveStream(String device, MigrationData data, DeviceState deviceState) {
    this.device = device;
    this.data = data;
    this.deviceState = deviceState;
  }

  /** Is told where the device is after each arc; outside the saving states the stream has ended. */
  void deviceIn(DeviceState now) {
    deviceState = now;
    if (!now.saving()) {
      close();
    }
  }

  boolean inPrecopy() {
    DeviceState now = deviceState;
    return now == DeviceState.PRE_COPY || now == DeviceState.PRE_COPY_P2P;
  }

  MigrationData.Precopy precopy() throws MigrationException {
    return data.precopy();
  }

  @Override
  public Status read(ByteBuffer into) throws MigrationException {
    if (!into.hasRemaining()) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST, "a read from %s needs room for a byte".formatted(device));
    }
    // Looked at before the read: a device that stops between the two has given more to read.
    boolean stopped = deviceState == DeviceState.STOP_COPY;
    int read = data.read(into);
    if (read > 0) {
      return Status.DATA;
    }
    return stopped ? Status.END : Status.NOTHING_NOW;
  }

  @Override
  public void close() {
    data.close();
  }
}
