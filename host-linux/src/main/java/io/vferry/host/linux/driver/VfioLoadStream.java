package io.vferry.host.linux.driver;

import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.MigrationData;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** The state of a device on its way in. Remembers the first piece that was not taken whole. */
final class VfioLoadStream implements LoadStream {

  private final String device;
  private final MigrationData data;
  private volatile @Nullable MigrationException refusal;

  VfioLoadStream(String device, MigrationData data) {
    this.device = device;
    this.data = data;
  }

  /** Returns why the data cannot be whole; null as long as each piece was taken. */
  @Nullable MigrationException refusal() {
    return refusal;
  }

  @Override
  public void write(ByteBuffer from) throws MigrationException {
    MigrationException earlier = refusal;
    if (earlier != null) {
      throw new MigrationException(
          earlier.code(),
          "%s refused earlier data of this stream: %s".formatted(device, earlier.detail()),
          earlier);
    }
    ByteBuffer rest = from.duplicate();
    try {
      while (rest.hasRemaining()) {
        int before = rest.remaining();
        int taken = data.write(rest);
        if (taken < 1 || rest.remaining() != before - taken) {
          throw new MigrationException(
              DeviceError.IO_FAILED,
              "%s takes no more data and does not say why".formatted(device));
        }
      }
      from.position(from.limit());
    } catch (MigrationException e) {
      refusal = e;
      throw e;
    }
  }

  @Override
  public void close() {
    data.close();
  }
}
