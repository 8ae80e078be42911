package io.vferry.vendor.hisiacc.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.access.AccessGuard;
import io.vferry.spi.access.AccessPolicy;
import io.vferry.spi.access.GuardedHostDevice;
import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.GuestRegions;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.model.GuestDriver;
import io.vferry.spi.model.GuestRoom;
import io.vferry.spi.model.GuestSoftware;
import io.vferry.spi.state.Arc;
import io.vferry.spi.vm.PlacedRegion;
import io.vferry.vendor.hisiacc.HisiAccMigrationDriver;
import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** One host of a test: a chip, one of its functions, its driver, and a guest in some memory. */
final class HisiAccSide {

  /** Above 4 GiB, so that an address that is cut in half goes nowhere. */
  static final long MEMORY = 0x1_2340_0000L;

  static final long TICK_NANOS = 10_000;

  final HisiAccTestClock clock;
  final HisiAccChip chip;
  final int number;
  final HisiAccFunctionModel function;
  final HisiAccQuirks quirks;
  final HisiAccModelDevice host;
  final MigratableDevice device;
  final AccessGuard guard;
  final HostDevice guarded;
  final HisiAccGuestDriver guest;
  final ByteBuffer memory;

  HisiAccSide(HisiAccTestClock clock, HisiAccChip chip, int number) throws MigrationException {
    this.clock = clock;
    this.chip = chip;
    this.number = number;
    this.function = chip.function(number);
    this.quirks = function.quirks();
    this.host =
        HisiAccModelDevice.vf(
            chip,
            number,
            DeviceAddress.parse("sim:hisi-" + chip.settings().kind().title() + "-vf"),
            null);
    this.device = new HisiAccMigrationDriver().attach(host);
    this.guard = new AccessGuard("acc0", AccessPolicy.Mode.ENFORCE, (id, access, state) -> {});
    this.guarded =
        new GuardedHostDevice(host, guard, device.capability(GuestRegions.class).orElseThrow());
    int bytes = 1 << 20;
    this.memory = ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
    host.dma().map(MEMORY, memory.duplicate(), DmaSpace.Direction.READ_WRITE);
    this.guest =
        (HisiAccGuestDriver) host.capability(GuestSoftware.class).orElseThrow().install(new Room());
    assertThat(chip.settings().workload().layout().totalBytes()).isLessThan(bytes);
  }

  /** A side with a chip of its own and one function. */
  static HisiAccSide of(HisiAccTestClock clock, String parameters) throws MigrationException {
    return of(clock, HisiAccKind.ZIP, parameters);
  }

  static HisiAccSide of(HisiAccTestClock clock, HisiAccKind kind, String parameters)
      throws MigrationException {
    HisiAccChip chip = chip(clock, kind, parameters);
    return new HisiAccSide(clock, chip, chip.settings().functions());
  }

  static HisiAccChip chip(HisiAccTestClock clock, HisiAccKind kind, String parameters)
      throws MigrationException {
    String all =
        (parameters.contains("task-rate") ? "" : "&task-rate=0")
            + (parameters.isEmpty() ? "" : "&" + parameters);
    return new HisiAccChip(
        HisiAccSettings.read(kind, DeviceAddress.parse("sim:hisi?tick=10us" + all)), clock);
  }

  private final class Room implements GuestRoom {

    @Override
    public String deviceId() {
      return "acc0";
    }

    @Override
    public HostDevice device() {
      return guarded;
    }

    @Override
    public long memoryAddress() {
      return MEMORY;
    }

    @Override
    public void read(long offset, ByteBuffer into) {
      into.put(memory.slice((int) offset, into.remaining()));
    }

    @Override
    public void write(long offset, ByteBuffer from) {
      memory.slice((int) offset, from.remaining()).put(from);
    }

    @Override
    public long memoryBytes() {
      return memory.capacity();
    }

    @Override
    public Optional<GuestDriver> driver(String otherId) {
      return Optional.empty();
    }

    @Override
    public List<PlacedRegion> peers() {
      return List.of();
    }
  }

  // --- arcs -------------------------------------------------------------------------------------

  ArcOutcome perform(Arc arc) throws MigrationException {
    guard.moving(arc);
    try {
      ArcOutcome outcome = device.perform(arc);
      guard.at(arc.to());
      return outcome;
    } catch (MigrationException e) {
      guard.at(device.state());
      throw e;
    }
  }

  SaveStream save(Arc arc) throws MigrationException {
    return ((ArcOutcome.Saving) perform(arc)).stream();
  }

  LoadStream load() throws MigrationException {
    return ((ArcOutcome.Loading) perform(Arc.STOP_TO_RESUMING)).stream();
  }

  void reset() throws MigrationException {
    device.reset();
    guard.at(device.state());
  }

  /** Reads until there is nothing more. */
  static byte[] drain(SaveStream stream, int pieceBytes) throws MigrationException {
    ByteBuffer all = ByteBuffer.allocate(1024);
    while (true) {
      ByteBuffer piece = ByteBuffer.allocate(pieceBytes);
      if (stream.read(piece) != SaveStream.Status.DATA) {
        break;
      }
      all.put(piece.flip());
    }
    byte[] bytes = new byte[all.flip().remaining()];
    all.get(bytes);
    return bytes;
  }

  static void feed(LoadStream stream, byte[] bytes, int pieceBytes) throws MigrationException {
    for (int at = 0; at < bytes.length; at += pieceBytes) {
      stream.write(ByteBuffer.wrap(bytes, at, Math.min(pieceBytes, bytes.length - at)));
    }
  }

  // --- the guest
  // ----------------------------------------------------------------------------------

  void boot() throws MigrationException {
    guest.boot();
  }

  /** Lets device and guest work for so many steps of the device. */
  void run(int ticks) throws MigrationException {
    for (int tick = 0; tick < ticks; tick++) {
      clock.advance(TICK_NANOS);
      guest.tick(TICK_NANOS);
    }
  }

  /** Lets them work until all tasks are done; a guest that nobody wakes does not get there. */
  void finish() throws MigrationException {
    for (int round = 0; round < 20_000 && guest.outstanding() > 0; round++) {
      clock.advance(TICK_NANOS);
      guest.tick(0);
    }
    assertThat(guest.outstanding()).as("tasks without a result").isZero();
    assertClean();
  }

  void assertClean() {
    assertThat(chip.violations()).as("violations of the chip").isEmpty();
    assertThat(guest.state().violations).as("violations of the guest").isEmpty();
  }

  int register(HisiAccVfRegister register) throws MigrationException {
    ByteBuffer word = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    host.region(2).read(register.offset(), word);
    return word.getInt(0);
  }

  /** The vCPUs and their memory go from one host to the other; both devices have stopped. */
  void takeGuest(HisiAccSide source) throws MigrationException {
    memory.put(0, source.memory, 0, memory.capacity());
    guest.load(source.guest.save());
  }

  List<HisiAccChip.Access> writes() {
    List<HisiAccChip.Access> writes = new ArrayList<>(chip.accesses());
    writes.removeIf(access -> !access.write());
    return writes;
  }
}
