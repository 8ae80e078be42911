package io.vferry.compat.v1;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A device that shows a v1 region and has the manners of a server with libvfio-user: a chunk goes
 * in or out in one access, and it is not reset while it is stopped.
 */
final class ShownRegion implements HostDevice {

  private final V1MigrationRegion region;
  private final HostDeviceInfo info;

  /** The sizes of the accesses to the window. */
  final List<Integer> accesses = new ArrayList<>();

  int resets;
  boolean neverRuns;

  ShownRegion(ToyDevice device, int windowBytes, Map<String, String> properties) {
    this(device, windowBytes, false, properties);
  }

  ShownRegion(
      ToyDevice device, int windowBytes, boolean hostMigration, Map<String, String> properties) {
    this.region = new V1MigrationRegion(device, Regions.trapped(windowBytes));
    this.info =
        new HostDeviceInfo(
            DeviceAddress.parse("vfio-user:/run/old.sock"),
            "pci",
            0x1b36,
            5,
            0,
            0,
            hostMigration,
            properties);
  }

  @Override
  public HostDeviceInfo info() {
    return info;
  }

  @Override
  public List<RegionInfo> regions() {
    return List.of(region.info());
  }

  @Override
  public Region region(int index) throws MigrationException {
    if (index != region.info().index()) {
      throw new MigrationException(DeviceError.BAD_REQUEST, "no region " + index);
    }
    return new Shown();
  }

  @Override
  public void reset() throws MigrationException {
    ByteBuffer state = ByteBuffer.allocate(4);
    region.read(0, state);
    int bits = state.order(ByteOrder.nativeOrder()).getInt(0);
    if (bits == V1State.STOP.bits() || bits == V1State.STOP_COPY.bits()) {
      throw new MigrationException(DeviceError.RESET_FAILED, "it is stopped").withErrno(22);
    }
    if (bits == V1State.RESUMING.bits()) {
      region.reset();
    }
    resets++;
  }

  @Override
  public Interrupts interrupts() {
    return Interrupts.none();
  }

  @Override
  public DmaSpace dma() {
    return DmaSpace.unused();
  }

  @Override
  public Optional<HostDevice> companion(String role) {
    return Optional.empty();
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    return type == HostClock.class ? Optional.of(type.cast(new TestClock())) : Optional.empty();
  }

  @Override
  public void close() {}

  private final class Shown implements Region {

    @Override
    public RegionInfo info() {
      return region.info();
    }

    @Override
    public void read(long offset, ByteBuffer into) throws MigrationException {
      count(offset, into);
      region.read(offset, into);
    }

    @Override
    public void write(long offset, ByteBuffer from) throws MigrationException {
      count(offset, from);
      if (neverRuns && offset == 0 && from.get(from.position()) == V1State.RUNNING.bits()) {
        throw new MigrationException(DeviceError.IO_FAILED, "does not run").withErrno(22);
      }
      region.write(offset, from);
    }

    private void count(long offset, ByteBuffer bytes) {
      if (offset >= V1RegionSettings.WINDOW_OFFSET) {
        accesses.add(bytes.remaining());
      }
    }

    @Override
    public Optional<ByteBuffer> map(long offset, int lengthBytes) {
      return Optional.empty();
    }
  }
}
