package io.vferry.vendor.mlx5;

import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.MigrationData;
import io.vferry.spi.state.DeviceState;
import io.vferry.vendor.mlx5.stream.RecordCheck;
import io.vferry.vendor.mlx5.stream.RecordParser;
import java.nio.ByteBuffer;

/** The state of a function as the kernel gives it, looked into on its way. */
final class KernelSaveStream implements SaveStream {

  private final String device;
  private final MigrationData data;
  private final RecordParser parser = new RecordParser(new RecordCheck());
  private volatile DeviceState deviceState;

  KernelSaveStream(String device, MigrationData data, DeviceState deviceState) {
    this.device = device;
    this.data = data;
    this.deviceState = deviceState;
  }

  /** Is told where the device is; outside the saving states the stream has ended. */
  void deviceIn(DeviceState now) {
    deviceState = now;
    if (!now.saving()) {
      close();
    }
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
    int begin = into.position();
    int count = data.read(into);
    if (count > 0) {
      // A stream that no destination takes is better refused while the source can still run on.
      parser.take(into.duplicate().position(begin).limit(begin + count));
      return Status.DATA;
    }
    if (!stopped) {
      return Status.NOTHING_NOW;
    }
    parser.proveWhole();
    return Status.END;
  }

  @Override
  public void close() {
    data.close();
  }
}
