package io.vferry.vendor.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.vm.GuestAudit;
import io.vferry.spi.vm.PlacedRegion;
import io.vferry.spi.vm.VirtualMachine;
import io.vferry.spi.vm.VmSpec;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Devices of other vendors, which bring the guest's software for them. */
class SimGuestTest {

  private static final long MIB = 1L << 20;
  private static final long TOTAL_PAGES = 4 * MIB >> SimPattern.PAGE_SHIFT;

  private final SimClock clock = new SimClock(81);

  private VirtualMachine machine(boolean incoming, String peers, HostDevice... cards)
      throws MigrationException {
    VirtualMachine vm =
        new SimVmAdaptor().open(new VmSpec("vm", 4 * MIB, incoming, Map.of("peers", peers), clock));
    for (HostDevice card : cards) {
      vm.plug("card" + vm.placedRegions().size(), card);
    }
    return vm;
  }

  private static CounterCard card() {
    return new CounterCard(4096, 5000);
  }

  private static GuestAudit.Verdict audit(VirtualMachine vm) throws MigrationException {
    return vm.audit().orElseThrow().audit();
  }

  private static void copyMemory(VirtualMachine from, VirtualMachine to) {
    for (MemoryRange range : from.memory().layout()) {
      to.memory().slice(range).put(from.memory().slice(range));
    }
  }

  private static void code(DeviceError expected, Call call) {
    MigrationException refusal = catchThrowableOfType(MigrationException.class, call::run);
    assertThat(refusal).isNotNull();
    assertThat(refusal.code()).as(refusal.getMessage()).isEqualTo(expected);
  }

  private interface Call {
    void run() throws MigrationException;
  }

  @Test
  void aDeviceOfAnotherVendorWorksMovesAndIsProved() throws MigrationException {
    CounterCard here = card();
    VirtualMachine source = machine(false, "", here, card());
    source.resume();
    clock.advance(10_000_000);
    source.pause();
    assertThat(here.driver().elapsed).hasSize(10).containsOnly(1_000_000L);
    assertThat(here.register).isEqualTo(11);

    CounterCard there = card();
    CounterCard second = card();
    VirtualMachine destination = machine(true, "", there, second);
    copyMemory(source, destination);
    there.register = here.register;
    second.register = here.register;
    destination.loadPlatform(source.savePlatform());
    GuestAudit.Verdict verdict = audit(destination);
    assertThat(verdict.violations()).isEmpty();
    assertThat(verdict.counts()).containsEntry("tasks", 22L).containsEntry("pages", TOTAL_PAGES);

    destination.resume();
    clock.advance(5_000_000);
    destination.pause();
    assertThat(there.register).isEqualTo(16);
    assertThat(audit(destination).violations()).isEmpty();
  }

  @Test
  void whatADriverFindsIsSaidOfItsDevice() throws MigrationException {
    CounterCard first = card();
    CounterCard second = card();
    VirtualMachine vm = machine(false, "", first, second);
    vm.resume();
    clock.advance(3_000_000);
    vm.pause();
    long address = second.driver().room.memoryAddress() + SimPattern.PAGE_BYTES;
    vm.memory().slice(new MemoryRange(address, 1)).put(0, (byte) 1);
    first.register = 7;
    assertThat(audit(vm).violations())
        .containsExactly(
            "card0: the register holds 7, not 4",
            "card1: memory at 4096 holds 72057594037927940, not 4");
  }

  @Test
  void aDriverThatFailsDoesNotStopTheOthersAndIsToldAfterTheMove() throws MigrationException {
    CounterCard bad = card();
    CounterCard good = card();
    VirtualMachine source = machine(false, "", bad, good);
    source.resume();
    bad.broken = true;
    clock.advance(5_000_000);
    source.pause();
    assertThat(good.register).isEqualTo(6);
    VirtualMachine destination = machine(true, "", bad, good);
    copyMemory(source, destination);
    destination.loadPlatform(source.savePlatform());
    assertThat(audit(destination).violations())
        .singleElement()
        .asString()
        .startsWith("card0: the guest's driver failed: ")
        .endsWith("the driver is broken");
  }

  @Test
  void theMemoryOfADriverBelongsToItAlone() throws MigrationException {
    CounterCard first = card();
    CounterCard second = new CounterCard(4096, 3 * 4096);
    VirtualMachine vm = machine(false, "", first, second);
    code(DeviceError.BAD_REQUEST, () -> first.driver().room.read(0, ByteBuffer.allocate(1)));
    vm.resume();
    var room = first.driver().room;
    assertThat(room.memoryBytes()).isEqualTo(2 * 4096);
    assertThat(room.memoryAddress()).isEqualTo((4L << 30) + 2 * MIB - 2 * 4096);
    // In turn above and below the hole, so that the second is not beside the first.
    assertThat(second.driver().room.memoryAddress()).isEqualTo(2 * MIB - 3 * 4096);
    for (long offset : new long[] {-1, 2 * 4096, 2 * 4096 - 7, Long.MAX_VALUE, Long.MIN_VALUE}) {
      code(DeviceError.BAD_REQUEST, () -> room.read(offset, ByteBuffer.allocate(8)));
      code(DeviceError.BAD_REQUEST, () -> room.write(offset, ByteBuffer.allocate(8)));
    }
    // The vCPUs write all over the memory, but not there.
    clock.advance(200_000_000);
    vm.pause();
    assertThat(audit(vm).violations()).isEmpty();
  }

  @Test
  void accessesGoOverPagesAndAreLogged() throws MigrationException {
    CounterCard card = new CounterCard(4096, 4 * 4096);
    VirtualMachine vm = machine(false, "", card);
    vm.resume();
    vm.pause();
    vm.startDirtyLog();
    byte[] bytes = new byte[5000];
    for (int at = 0; at < bytes.length; at++) {
      bytes[at] = (byte) (at * 7);
    }
    var room = card.driver().room;
    room.write(4000, ByteBuffer.wrap(bytes));
    ByteBuffer back = ByteBuffer.allocate(5000);
    room.read(4000, back);
    assertThat(back.array()).isEqualTo(bytes);
    ByteBuffer seen = vm.memory().slice(new MemoryRange(room.memoryAddress() + 4000, bytes.length));
    assertThat(seen).isEqualTo(ByteBuffer.wrap(bytes));
    DirtyBitmap high = new DirtyBitmap(vm.memory().layout().get(1), 4096);
    vm.reportDirty(high);
    assertThat(high.dirtyPages()).isEqualTo(3);
    assertThat(high.isDirty(512 - 4)).isTrue();
    assertThat(high.isDirty(512 - 2)).isTrue();
  }

  @Test
  void regionsForPeersArePlacedOnMultiplesOfTheirSize() throws MigrationException {
    CounterCard small = card();
    CounterCard large = new CounterCard(3 << 20, 0);
    VirtualMachine vm = machine(false, "card0:card1,card1:card0", small, large, card());
    assertThat(vm.placedRegions())
        .containsExactly(
            new PlacedRegion("card0", 2, 0xc0000000L, 4096),
            new PlacedRegion("card1", 2, 0xc0400000L, 3 << 20),
            new PlacedRegion("card2", 2, 0xc0700000L, 4096));
    assertThat(small.driver().room.peers()).containsExactly(vm.placedRegions().get(1));
    assertThat(large.driver().room.peers()).containsExactly(vm.placedRegions().get(0));
    assertThat(small.driver().room.driver("card1")).containsSame(large.driver());
    assertThat(small.driver().room.driver("card9")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"4095", "5000", "1073741824"})
  void regionsThatCannotBePlacedAreRefused(int bytes) throws MigrationException {
    VirtualMachine vm = machine(false, "");
    code(DeviceError.BAD_REQUEST, () -> vm.plug("card", new CounterCard(bytes, 0)));
    // Nothing is left of it.
    vm.plug("card", card());
    assertThat(vm.placedRegions()).hasSize(1);
  }

  @Test
  void regionsThatFillTheWindowAreRefused() throws MigrationException {
    VirtualMachine vm = machine(false, "", new CounterCard(512 << 20, 0));
    code(DeviceError.BAD_REQUEST, () -> vm.plug("card1", new CounterCard(512 << 20, 0)));
  }

  @Test
  void aDeviceWithoutARegionForPeersIsNotPlaced() throws MigrationException {
    CounterCard card = card();
    VirtualMachine vm = machine(false, "card0:deaf", card);
    vm.plug("deaf", new CounterCard(0, 0));
    assertThat(vm.placedRegions()).hasSize(1);
    assertThat(card.driver().room.peers()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "-1, DRIVER_BROKEN",
    "2097153, BAD_REQUEST",
    "9223372036854775807, BAD_REQUEST",
    "2097152, "
  })
  void aDriverGetsNoMoreThanThereIs(long bytes, DeviceError expected) throws MigrationException {
    VirtualMachine vm = machine(false, "", new CounterCard(4096, bytes));
    if (expected != null) {
      code(expected, vm::resume);
    } else {
      vm.resume();
    }
  }

  @Test
  void aMachineWhoseDriversRefusedTheirStateWaitsForABetterOne() throws MigrationException {
    CounterCard here = card();
    VirtualMachine source = machine(false, "", here);
    source.resume();
    source.pause();
    CounterCard there = card();
    VirtualMachine destination = machine(true, "", there);
    there.refusing = true;
    code(DeviceError.DATA_INCOMPATIBLE, () -> destination.loadPlatform(source.savePlatform()));
    code(DeviceError.WRONG_STATE, destination::resume);
    code(DeviceError.BAD_REQUEST, () -> destination.plug("late", card()));
    there.refusing = false;
    destination.loadPlatform(source.savePlatform());
    destination.resume();
  }

  @Test
  void aDriverThatSavesTooMuchIsBroken() throws MigrationException {
    CounterCard card = card();
    VirtualMachine vm = machine(false, "", card);
    vm.resume();
    vm.pause();
    card.stateBytes = 1 << 20;
    VirtualMachine destination = machine(true, "", card());
    destination.loadPlatform(vm.savePlatform());
    card.stateBytes++;
    code(DeviceError.DRIVER_BROKEN, vm::savePlatform);
  }

  @Test
  void aPlatformOfOtherPlacesOrDevicesIsIncompatible() throws MigrationException {
    VirtualMachine source = machine(false, "", card(), new CounterCard(1 << 20, 0));
    source.resume();
    source.pause();
    ByteBuffer state = source.savePlatform();
    for (List<HostDevice> others :
        List.<List<HostDevice>>of(
            List.of(card()),
            List.of(card(), card()),
            List.of(new CounterCard(1 << 20, 0), card()),
            List.of(card(), new CounterCard(1 << 20, 0), card()))) {
      VirtualMachine other = machine(true, "", others.toArray(new HostDevice[0]));
      code(DeviceError.DATA_INCOMPATIBLE, () -> other.loadPlatform(state.duplicate()));
    }
  }

  @Test
  void aPlatformWhoseDevicesLieElsewhereIsIncompatible() throws MigrationException {
    VirtualMachine vm = machine(true, "", card());
    PlacedRegion here = vm.placedRegions().get(0);
    SimPlatform platform = SimPlatform.fresh(1, (int) TOTAL_PAGES, 4, 1, List.of());
    platform.booted = true;
    for (PlacedRegion other :
        List.of(
            new PlacedRegion(here.deviceId(), 2, here.guestAddress() + 4096, 4096),
            new PlacedRegion(here.deviceId(), 2, here.guestAddress(), 8192))) {
      code(
          DeviceError.DATA_INCOMPATIBLE,
          () -> vm.loadPlatform(platform.encode(List.of(saved(other, 0, 2)))));
    }
    vm.loadPlatform(platform.encode(List.of(saved(here, 0, 2))));
  }

  @Test
  void aMachineThatCouldNotBootCanTryAgain() throws MigrationException {
    CounterCard card = card();
    VirtualMachine vm = machine(false, "", card);
    card.failingBoot = true;
    code(DeviceError.IO_FAILED, vm::resume);
    card.failingBoot = false;
    // The driver checks that its memory holds zeros again.
    vm.resume();
    vm.pause();
    assertThat(audit(vm).violations()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    // First page and pages of two drivers in 512 pages below and 512 above the hole.
    "0, 2, 1, 2",
    "511, 2, 0, 1",
    "1023, 2, 0, 1",
    "-1, 1, 0, 1",
    "0, -1, 5, 1"
  })
  void placesThatCannotBeAreCorrupt(int first, int pages, int secondFirst, int secondPages)
      throws MigrationException {
    VirtualMachine vm = machine(true, "", card(), card());
    List<PlacedRegion> placed = vm.placedRegions();
    SimPlatform platform = SimPlatform.fresh(1, (int) TOTAL_PAGES, 4, 1, List.of());
    platform.booted = true;
    code(
        DeviceError.DATA_CORRUPT,
        () ->
            vm.loadPlatform(
                platform.encode(
                    List.of(
                        saved(placed.get(0), first, pages),
                        saved(placed.get(1), secondFirst, secondPages)))));
    vm.loadPlatform(
        platform.encode(List.of(saved(placed.get(0), 510, 2), saved(placed.get(1), 512, 2))));
  }

  private static SimGuestRoom.Saved saved(PlacedRegion placed, int first, int pages) {
    return new SimGuestRoom.Saved(
        placed.deviceId(),
        placed.guestAddress(),
        placed.lengthBytes(),
        first,
        pages,
        List.of(),
        ByteBuffer.allocate(Long.BYTES));
  }

  @Test
  void allDriversAreClosedOnceEvenIfOneFails() throws MigrationException {
    Map<String, CounterCard> cards = new LinkedHashMap<>();
    VirtualMachine vm = machine(false, "");
    for (String id : List.of("first", "second", "third")) {
      CounterCard card = card();
      cards.put(id, card);
      vm.plug(id, card);
      card.clinging = !id.equals("third");
    }
    vm.resume();
    MigrationException failure = catchThrowableOfType(MigrationException.class, vm::close);
    assertThat(failure.getSuppressed()).hasSize(1);
    vm.close();
    assertThat(cards.values()).extracting(card -> card.closed).containsOnly(1);
    assertThat(clock.pending()).isZero();
  }

  @Test
  void aDeviceWithoutSoftwareIsPluggedAndLeftAlone() throws MigrationException {
    CounterCard card = card();
    CounterCard silent = card();
    silent.silent = true;
    VirtualMachine vm = machine(false, "card0:silent", card);
    vm.plug("silent", silent);
    vm.resume();
    clock.advance(3_000_000);
    vm.pause();
    assertThat(silent.register).isZero();
    assertThat(card.driver().room.peers()).isEmpty();
    assertThat(card.driver().room.driver("silent")).isEmpty();
    assertThat(audit(vm).violations()).isEmpty();
    code(DeviceError.BAD_REQUEST, () -> vm.plug("silent", silent));
  }
}
