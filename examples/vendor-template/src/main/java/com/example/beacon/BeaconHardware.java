package com.example.beacon;

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
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A Beacon in software: 256 bytes that the guest sees as region 0, and the migration registers as
 * region 2. It does no DMA and raises no interrupts. Its monitor guards it.
 */
final class BeaconHardware implements HostDevice {

  private static final int GUEST_BAR = 0;

  private final DeviceAddress address;
  private final byte[] memory;
  private final HostClock clock;
  private DeviceState state = DeviceState.RUNNING;

  BeaconHardware(DeviceAddress address, int stateBytes, HostClock clock) {
    this.address = address;
    this.memory = new byte[stateBytes];
    this.clock = clock;
  }

  @Override
  public HostDeviceInfo info() {
    return new HostDeviceInfo(
        address, "beacon", BeaconRegisters.VENDOR_ID, 1, 0, 0, false, Map.of());
  }

  @Override
  public List<RegionInfo> regions() {
    return List.of(
        new RegionInfo(GUEST_BAR, memory.length, true, true, false),
        new RegionInfo(BeaconRegisters.BAR, 0x2000, true, true, false));
  }

  @Override
  public Region region(int index) throws MigrationException {
    for (RegionInfo info : regions()) {
      if (info.index() == index) {
        return new Bar(info);
      }
    }
    throw refused("there is no region " + index);
  }

  @Override
  public synchronized void reset() {
    state = DeviceState.RUNNING;
    java.util.Arrays.fill(memory, (byte) 0);
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
    return type == HostClock.class ? Optional.of(type.cast(clock)) : Optional.empty();
  }

  @Override
  public void close() {}

  private static MigrationException refused(String what) {
    return new MigrationException(DeviceError.BAD_REQUEST, what);
  }

  /** Both regions: the guest's bytes, or registers and the window to the same bytes. */
  private final class Bar implements Region {

    private final RegionInfo info;

    Bar(RegionInfo info) {
      this.info = info;
    }

    @Override
    public RegionInfo info() {
      return info;
    }

    @Override
    public void read(long offset, ByteBuffer into) throws MigrationException {
      synchronized (BeaconHardware.this) {
        if (info.index() == BeaconRegisters.BAR && offset < BeaconRegisters.WINDOW) {
          ByteBuffer value = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
          value.putLong(0, offset == BeaconRegisters.STATE_BYTES ? memory.length : state.number());
          into.put(value.limit(Math.min(Long.BYTES, into.remaining())));
        } else {
          into.put(memory, at(offset, into.remaining()), into.remaining());
        }
      }
    }

    @Override
    public void write(long offset, ByteBuffer from) throws MigrationException {
      synchronized (BeaconHardware.this) {
        if (info.index() != BeaconRegisters.BAR || offset >= BeaconRegisters.WINDOW) {
          from.get(memory, at(offset, from.remaining()), from.remaining());
        } else if (offset == BeaconRegisters.STATE && from.remaining() == Long.BYTES) {
          long number = from.order(ByteOrder.LITTLE_ENDIAN).getLong();
          state = DeviceState.ofNumber((int) number).orElse(DeviceState.ERROR);
        } else {
          throw refused("there is no register at " + offset);
        }
      }
    }

    private int at(long offset, int length) throws MigrationException {
      long first = info.index() == BeaconRegisters.BAR ? offset - BeaconRegisters.WINDOW : offset;
      if (first < 0 || first > memory.length - length) {
        throw refused("%d bytes at %d are outside".formatted(length, offset));
      }
      return (int) first;
    }

    @Override
    public Optional<ByteBuffer> map(long offset, int lengthBytes) {
      return Optional.empty();
    }
  }
}
