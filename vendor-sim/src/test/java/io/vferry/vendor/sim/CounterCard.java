package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.model.GuestDriver;
import io.vferry.spi.model.GuestRoom;
import io.vferry.spi.model.GuestSoftware;
import io.vferry.spi.vm.GuestAudit;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A device that this module knows nothing of: one register that counts. Its driver keeps the same
 * number in each page of its memory and in the register.
 */
final class CounterCard implements HostDevice, GuestSoftware {

  private static final int BAR = 2;

  private final int barBytes;
  private final long memoryBytes;
  long register;
  boolean broken;
  boolean refusing;
  boolean clinging;
  boolean silent;
  boolean failingBoot;
  int stateBytes = Long.BYTES;
  int closed;
  @Nullable CounterDriver installed;

  CounterCard(int barBytes, long memoryBytes) {
    this.barBytes = barBytes;
    this.memoryBytes = memoryBytes;
  }

  CounterDriver driver() {
    return Objects.requireNonNull(installed);
  }

  @Override
  public long memoryBytes() {
    return memoryBytes;
  }

  @Override
  public Optional<Integer> peerRegion() {
    return barBytes == 0 ? Optional.empty() : Optional.of(BAR);
  }

  @Override
  public GuestDriver install(GuestRoom room) {
    installed = new CounterDriver(room);
    return installed;
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    return type == GuestSoftware.class && !silent ? Optional.of(type.cast(this)) : Optional.empty();
  }

  @Override
  public HostDeviceInfo info() {
    return new HostDeviceInfo(
        DeviceAddress.parse("sim:counter"), "test", 0x1234, 1, 0, 0, false, Map.of());
  }

  @Override
  public List<RegionInfo> regions() {
    return List.of(new RegionInfo(BAR, barBytes, true, true, false));
  }

  @Override
  public Region region(int index) {
    return new SimRegion(index, barBytes) {
      @Override
      void load(int offset, ByteBuffer into) {
        into.putLong(register);
      }

      @Override
      void store(int offset, ByteBuffer from) {
        register = from.getLong();
      }
    };
  }

  @Override
  public Interrupts interrupts() {
    return Interrupts.none();
  }

  @Override
  public DmaSpace dma() {
    throw new UnsupportedOperationException("the card does no DMA");
  }

  @Override
  public void reset() {
    register = 0;
  }

  @Override
  public Optional<HostDevice> companion(String role) {
    return Optional.empty();
  }

  @Override
  public void close() {}

  /** The guest's driver of the card. */
  final class CounterDriver implements GuestDriver {

    final GuestRoom room;
    final List<Long> elapsed = new ArrayList<>();
    private long count;

    CounterDriver(GuestRoom room) {
      this.room = room;
    }

    @Override
    public void boot() throws MigrationException {
      for (long at = 0; at < room.memoryBytes(); at += Long.BYTES) {
        if (readLong(at) != 0) {
          throw new MigrationException(DeviceError.IO_FAILED, "the memory is not zero at " + at);
        }
      }
      set(1);
      if (failingBoot) {
        throw new MigrationException(DeviceError.IO_FAILED, "told to fail");
      }
    }

    @Override
    public void tick(long elapsedNanos) throws MigrationException {
      elapsed.add(elapsedNanos);
      if (broken) {
        throw new IllegalStateException("the driver is broken");
      }
      set(count + 1);
    }

    private void set(long value) throws MigrationException {
      count = value;
      for (long at = 0; at < room.memoryBytes(); at += SimPattern.PAGE_BYTES) {
        room.write(at, ByteBuffer.allocate(Long.BYTES).putLong(0, value));
      }
      room.device().region(BAR).write(0, ByteBuffer.allocate(Long.BYTES).putLong(0, value));
    }

    private long readLong(long at) throws MigrationException {
      ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES);
      room.read(at, bytes);
      return bytes.getLong(0);
    }

    @Override
    public ByteBuffer save() {
      return ByteBuffer.allocate(stateBytes).putLong(0, count);
    }

    @Override
    public void load(ByteBuffer state) throws MigrationException {
      if (refusing) {
        throw new MigrationException(DeviceError.DATA_INCOMPATIBLE, "told to refuse");
      }
      count = state.getLong(state.position());
    }

    @Override
    public GuestAudit.Verdict audit() throws MigrationException {
      List<String> violations = new ArrayList<>();
      for (long at = 0; at < room.memoryBytes(); at += SimPattern.PAGE_BYTES) {
        if (readLong(at) != count) {
          violations.add("memory at %d holds %d, not %d".formatted(at, readLong(at), count));
        }
      }
      if (register != count) {
        violations.add("the register holds %d, not %d".formatted(register, count));
      }
      return new GuestAudit.Verdict(
          Map.of("tasks", count, "pages", room.memoryBytes() >> SimPattern.PAGE_SHIFT), violations);
    }

    @Override
    public void close() throws MigrationException {
      closed++;
      if (clinging) {
        throw new MigrationException(DeviceError.IO_FAILED, "the card refused");
      }
    }
  }
}
