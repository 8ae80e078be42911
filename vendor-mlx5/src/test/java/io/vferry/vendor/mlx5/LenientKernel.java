package io.vferry.vendor.mlx5;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.MigrationData;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** A host whose kernel moves a function, and takes whatever it is given, as the kernel does. */
final class LenientKernel implements HostDevice, HostMigration, MigrationData {

  final ByteArrayOutputStream written = new ByteArrayOutputStream();
  private final Map<String, String> properties;
  private ByteBuffer toRead;
  private DeviceState state = DeviceState.RUNNING;

  LenientKernel(byte[] stream, Map<String, String> properties) {
    this.toRead = ByteBuffer.wrap(stream);
    this.properties = properties;
  }

  @Override
  public int read(ByteBuffer into) {
    int length = Math.min(7, Math.min(toRead.remaining(), into.remaining()));
    into.put(toRead.slice().limit(length));
    toRead.position(toRead.position() + length);
    return length;
  }

  @Override
  public int write(ByteBuffer from) {
    int length = Math.min(5, from.remaining());
    for (int i = 0; i < length; i++) {
      written.write(from.get());
    }
    return length;
  }

  @Override
  public Precopy precopy() {
    return new Precopy(toRead.remaining(), 0, false);
  }

  @Override
  public FeatureSet features() {
    return FeatureSet.STOP_COPY_P2P_PRE_COPY;
  }

  @Override
  public DeviceState state() {
    return state;
  }

  @Override
  public Optional<MigrationData> setState(DeviceState target) {
    boolean opens = target == DeviceState.RESUMING || (target.saving() && !state.saving());
    state = target;
    return opens ? Optional.of(this) : Optional.empty();
  }

  @Override
  public OptionalLong stopCopyBytes() {
    return OptionalLong.of(-1);
  }

  @Override
  public HostDeviceInfo info() {
    return new HostDeviceInfo(
        DeviceAddress.parse("vfio:0000:3b:00.2"), "pci", 0x15b3, 0x101e, 0, 0, true, properties);
  }

  @Override
  public List<RegionInfo> regions() {
    return List.of();
  }

  @Override
  public Region region(int index) throws MigrationException {
    throw new MigrationException(DeviceError.BAD_REQUEST, "no regions");
  }

  @Override
  public Interrupts interrupts() {
    return new NoInterrupts();
  }

  @Override
  public DmaSpace dma() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void reset() {
    state = DeviceState.RUNNING;
  }

  @Override
  public Optional<HostDevice> companion(String role) {
    return Optional.empty();
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    return type == HostMigration.class ? Optional.of(type.cast(this)) : Optional.empty();
  }

  @Override
  public void close() {}
}
