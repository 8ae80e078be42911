package io.vferry.vendor.mlx5;

import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.MigrationData;
import io.vferry.vendor.mlx5.stream.RecordCheck;
import io.vferry.vendor.mlx5.stream.RecordParser;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** The state of a function for the kernel, looked into before the kernel gets it. */
final class KernelLoadStream implements LoadStream {

  private final String device;
  private final MigrationData data;
  private final RecordParser parser = new RecordParser(new RecordCheck());
  private volatile @Nullable MigrationException refusal;
  private volatile boolean closed;

  KernelLoadStream(String device, MigrationData data) {
    this.device = device;
    this.data = data;
  }

  @Override
  public void write(ByteBuffer from) throws MigrationException {
    if (closed) {
      throw new MigrationException(
          DeviceError.SESSION_CLOSED, "the load session of " + device + " has ended");
    }
    throwRefusal();
    ByteBuffer rest = from.duplicate();
    from.position(from.limit());
    try {
      parser.take(rest.duplicate());
      while (rest.hasRemaining()) {
        int before = rest.remaining();
        if (data.write(rest) < 1 || rest.remaining() >= before) {
          throw new MigrationException(
              DeviceError.IO_FAILED, device + " takes no more data and does not say why");
        }
      }
    } catch (MigrationException e) {
      refusal = e;
      throw e;
    }
  }

  private void throwRefusal() throws MigrationException {
    MigrationException earlier = refusal;
    if (earlier != null) {
      throw new MigrationException(earlier.code(), earlier.detail(), earlier);
    }
  }

  /** Fails unless a whole stream was taken. */
  void proveWhole() throws MigrationException {
    throwRefusal();
    parser.proveWhole();
  }

  @Override
  public void close() {
    closed = true;
    data.close();
  }
}
