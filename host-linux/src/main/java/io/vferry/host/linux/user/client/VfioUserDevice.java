package io.vferry.host.linux.user.client;

import io.vferry.host.linux.AddressSpace;
import io.vferry.host.linux.Companions;
import io.vferry.host.linux.FunctionLevelResets;
import io.vferry.host.linux.IovaSpace;
import io.vferry.host.linux.VfioDmaSpace;
import io.vferry.host.linux.VfioInterrupts;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.Payload;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.host.ResetCount;
import io.vferry.spi.host.SharedParts;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.state.DeviceState;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/** An open device that a server serves. */
final class VfioUserDevice implements HostDevice {

  private final HostDeviceInfo info;
  private final String server;
  private final ClientChannel channel;
  private final Map<Integer, ClientRegion> regions;
  private final VfioInterrupts interrupts;
  private final ClientDma mapper;
  private final DmaSpace dma;
  private final Optional<ClientMigration> migration;
  private final ClientLog log;
  private final HostClock clock;
  private final Companions companions;
  private final SharedParts shared = new SharedParts();
  private final AtomicLong resets = new AtomicLong();
  private final Map<Integer, Region> shown;
  private final AtomicBoolean closed = new AtomicBoolean();

  VfioUserDevice(
      Discovery found,
      Agreement agreement,
      ClientDma mapper,
      ClientLog log,
      HostClock clock,
      Companions companions) {
    this.info = found.info();
    this.server = found.server();
    this.channel = found.channel();
    this.regions = found.regions();
    this.migration = found.migration();
    this.interrupts =
        new VfioInterrupts(server, new ClientIrqs(channel, agreement.files()), found.irqs());
    this.mapper = mapper;
    this.dma =
        new VfioDmaSpace(
            new AddressSpace<>(mapper),
            IovaSpace.of(List.of(new IovaSpace.Bounds(0, -1)), agreement.pageBytes()));
    this.log = log;
    this.clock = clock;
    this.companions = companions;
    this.shown = FunctionLevelResets.watch(regions, resets::incrementAndGet);
  }

  @Override
  public HostDeviceInfo info() {
    return info;
  }

  @Override
  public List<RegionInfo> regions() {
    return regions.values().stream().map(ClientRegion::info).toList();
  }

  @Override
  public Region region(int index) throws MigrationException {
    Region region = shown.get(index);
    if (region == null) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "the device at vfio-user server %s has no region %d".formatted(server, index));
    }
    return region;
  }

  @Override
  public Interrupts interrupts() {
    return interrupts;
  }

  @Override
  public DmaSpace dma() {
    return dma;
  }

  @Override
  public void reset() throws MigrationException {
    reset(server, channel, migration);
    resets.incrementAndGet();
  }

  /** Resets a device and sees to it that it runs then. */
  static void reset(String server, ClientChannel channel, Optional<ClientMigration> migration)
      throws MigrationException {
    Request reset = Request.of(Command.DEVICE_RESET, Payload.NONE);
    try {
      try {
        channel.ask(reset, ReplyReader.NOTHING);
      } catch (KernelError e) {
        // Some reset nothing that is stopped.
        if (migration.isEmpty() || migration.get().state() == DeviceState.RUNNING) {
          throw e;
        }
        migration.get().run();
        channel.ask(reset, ReplyReader.NOTHING);
      }
    } catch (KernelError e) {
      throw e.as(
          DeviceError.RESET_FAILED,
          "the device at vfio-user server %s could not be reset".formatted(server));
    }
    if (migration.isPresent()) {
      migration.get().run();
    }
  }

  @Override
  public Optional<HostDevice> companion(String role) {
    return companions.in(role);
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    if (type == HostMigration.class) {
      return migration.map(type::cast);
    }
    if (type == DmaLog.class) {
      return log.possible() ? Optional.of(type.cast(log)) : Optional.empty();
    }
    if (type == HostClock.class) {
      return Optional.of(type.cast(clock));
    }
    if (type == SharedParts.class) {
      return Optional.of(type.cast(shared));
    }
    if (type == ResetCount.class) {
      return Optional.of(type.cast((ResetCount) resets::get));
    }
    return Optional.empty();
  }

  /** The server takes everything back by itself when the connection ends. */
  @Override
  public void close() throws MigrationException {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    migration.ifPresent(ClientMigration::close);
    channel.close();
    interrupts.close();
    mapper.close();
    regions.values().forEach(ClientRegion::close);
    try {
      companions.close();
    } catch (MigrationException e) {
      throw new MigrationException(
          DeviceError.IO_FAILED,
          "the device at vfio-user server %s was not closed cleanly".formatted(server),
          e);
    }
  }
}
