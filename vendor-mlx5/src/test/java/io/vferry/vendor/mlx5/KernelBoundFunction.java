package io.vferry.vendor.mlx5;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.MigrationData;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A function bound to the kernel's driver: the arcs are the host's affair, and nothing is seen of
 * the physical function. The kernel sends the same commands as the driver here, so the driver plays
 * the kernel.
 */
final class KernelBoundFunction implements HostDevice, HostMigration {

  private final HostDevice function;
  private final MigratableDevice kernel;

  KernelBoundFunction(HostDevice function) throws MigrationException {
    this.function = function;
    this.kernel = new Mlx5MigrationDriver().attach(function);
  }

  @Override
  public FeatureSet features() {
    return kernel.features();
  }

  @Override
  public DeviceState state() throws MigrationException {
    return kernel.state();
  }

  @Override
  public Optional<MigrationData> setState(DeviceState target) throws MigrationException {
    Optional<MigrationData> data = Optional.empty();
    Transition path = TransitionTable.of(features()).transition(kernel.state(), target);
    for (Arc arc : ((Transition.Path) path).arcs()) {
      ArcOutcome outcome = kernel.perform(arc);
      if (outcome instanceof ArcOutcome.Saving saving) {
        data = Optional.of(new Outgoing(saving.stream()));
      } else if (outcome instanceof ArcOutcome.Loading loading) {
        data = Optional.of(new Incoming(loading.stream()));
      }
    }
    return data;
  }

  private final class Outgoing implements MigrationData {
    private final SaveStream stream;

    Outgoing(SaveStream stream) {
      this.stream = stream;
    }

    @Override
    public int read(ByteBuffer into) throws MigrationException {
      int before = into.position();
      stream.read(into);
      return into.position() - before;
    }

    @Override
    public int write(ByteBuffer from) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Precopy precopy() throws MigrationException {
      PrecopyProgress.Remaining left =
          kernel.capability(PrecopyProgress.class).orElseThrow().remaining();
      return new Precopy(left.initialBytes(), left.dirtyBytes(), left.reinitialised());
    }

    @Override
    public void close() {
      stream.close();
    }
  }

  private static final class Incoming implements MigrationData {
    private final LoadStream stream;

    Incoming(LoadStream stream) {
      this.stream = stream;
    }

    @Override
    public int read(ByteBuffer into) {
      throw new UnsupportedOperationException();
    }

    @Override
    public int write(ByteBuffer from) throws MigrationException {
      int length = from.remaining();
      stream.write(from);
      return length;
    }

    @Override
    public Precopy precopy() {
      throw new UnsupportedOperationException();
    }

    @Override
    public void close() {
      stream.close();
    }
  }

  @Override
  public OptionalLong stopCopyBytes() throws MigrationException {
    return kernel.capability(StopCopyEstimate.class).orElseThrow().stopCopyBytes();
  }

  @Override
  public HostDeviceInfo info() {
    HostDeviceInfo info = function.info();
    return new HostDeviceInfo(
        info.address(),
        info.bus(),
        info.vendorId(),
        info.deviceId(),
        info.subsystemVendorId(),
        info.subsystemDeviceId(),
        true,
        info.properties());
  }

  @Override
  public List<RegionInfo> regions() {
    return function.regions();
  }

  @Override
  public Region region(int index) throws MigrationException {
    return function.region(index);
  }

  @Override
  public Interrupts interrupts() {
    return function.interrupts();
  }

  @Override
  public DmaSpace dma() {
    return function.dma();
  }

  @Override
  public void reset() throws MigrationException {
    kernel.reset();
  }

  @Override
  public Optional<HostDevice> companion(String role) {
    return Optional.empty();
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    if (type == HostMigration.class) {
      return Optional.of(type.cast(this));
    }
    if (type == DmaLog.class) {
      return kernel.capability(type);
    }
    return function.capability(type);
  }

  @Override
  public void close() throws MigrationException {
    kernel.close();
    function.close();
  }
}
