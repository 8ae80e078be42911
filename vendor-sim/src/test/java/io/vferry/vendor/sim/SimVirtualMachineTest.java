package io.vferry.vendor.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.vm.VirtualMachine;
import io.vferry.spi.vm.VmSpec;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SimVirtualMachineTest {

  private static final long MIB = 1L << 20;

  private final SimClock clock = new SimClock(61);

  private VirtualMachine open(boolean incoming, Map<String, String> options)
      throws MigrationException {
    return new SimVmAdaptor().open(new VmSpec("vm", 4 * MIB, incoming, options, clock));
  }

  private static void code(DeviceError expected, Call call) {
    MigrationException refusal = catchThrowableOfType(MigrationException.class, call::run);
    assertThat(refusal).isNotNull();
    assertThat(refusal.code()).isEqualTo(expected);
  }

  private interface Call {
    void run() throws MigrationException;
  }

  @Test
  void memoryHasAHoleBelowFourGibibytes() throws MigrationException {
    VirtualMachine vm = open(false, Map.of());
    assertThat(vm.memory().layout())
        .containsExactly(new MemoryRange(0, 2 * MIB), new MemoryRange(4L << 30, 2 * MIB));
    assertThat(vm.memory().slice(new MemoryRange((4L << 30) + 5, 7)).remaining()).isEqualTo(7);
  }

  @Test
  void theDirtyLogHoldsExactlyWhatWasWritten() throws MigrationException {
    VirtualMachine vm = open(false, Map.of("working-set", "4MiB"));
    DirtyBitmap low = new DirtyBitmap(vm.memory().layout().get(0), 4096);
    DirtyBitmap high = new DirtyBitmap(vm.memory().layout().get(1), 4096);
    code(DeviceError.DMA_LOG_FAILED, () -> vm.reportDirty(low));
    vm.resume();
    clock.advance(10_000_000);
    vm.startDirtyLog();
    byte[] before = bytes(vm);
    clock.advance(10_000_000);
    vm.pause();
    byte[] after = bytes(vm);
    vm.reportDirty(low);
    vm.reportDirty(high);
    long changed = 0;
    for (int page = 0; page < 1024; page++) {
      boolean differs =
          !Arrays.equals(before, page << 12, (page + 1) << 12, after, page << 12, (page + 1) << 12);
      assertThat(page < 512 ? low.isDirty(page) : high.isDirty(page - 512)).isEqualTo(differs);
      changed += differs ? 1 : 0;
    }
    // 8 MiB in a second are 20 pages in 10 ms; some more than once.
    assertThat(changed).isBetween(15L, 20L);
    low.clear();
    vm.reportDirty(low);
    assertThat(low.dirtyPages()).isZero();
  }

  private static byte[] bytes(VirtualMachine vm) {
    byte[] bytes = new byte[(int) (4 * MIB)];
    int at = 0;
    for (MemoryRange range : vm.memory().layout()) {
      vm.memory().slice(range).get(0, bytes, at, (int) range.length());
      at += (int) range.length();
    }
    return bytes;
  }

  @Test
  void anIncomingMachineWaitsForItsPlatform() throws MigrationException {
    VirtualMachine source = open(false, Map.of());
    source.resume();
    clock.advance(5_000_000);
    code(DeviceError.WRONG_STATE, source::savePlatform);
    source.pause();
    VirtualMachine vm = open(true, Map.of());
    code(DeviceError.WRONG_STATE, vm::resume);
    clock.advance(5_000_000);
    assertThat(bytes(vm)).containsOnly(0);
    vm.loadPlatform(source.savePlatform());
    clock.advance(5_000_000);
    assertThat(bytes(vm)).containsOnly(0);
    // Nobody moved the memory, and the audit sees it.
    assertThat(vm.audit().orElseThrow().audit().violations()).isNotEmpty();
  }

  @Test
  void damagedPlatformStatesAreRefusedAndChangeNothing() throws MigrationException {
    SimSide source = new SimSide(clock, false, "", SimMoveTest.pair("pds"));
    source.vm.resume();
    clock.advance(5_000_000);
    source.vm.pause();
    ByteBuffer state = source.vm.savePlatform();
    byte[] whole = new byte[state.remaining()];
    state.get(whole);
    SimSide target = new SimSide(clock, true, "", SimMoveTest.pair("pds"));
    SplittableRandom random = new SplittableRandom(3);
    for (int round = 0; round < 400; round++) {
      byte[] damaged = whole.clone();
      damaged[random.nextInt(whole.length)] ^= (byte) (1 << random.nextInt(8));
      refused(target.vm, damaged);
      refused(target.vm, Arrays.copyOf(whole, random.nextInt(whole.length)));
    }
    refused(target.vm, Arrays.copyOf(whole, whole.length + 1));
    refused(target.vm, new byte[0]);
    code(DeviceError.WRONG_STATE, target.vm::resume);
    target.vm.loadPlatform(ByteBuffer.wrap(whole).asReadOnlyBuffer());
  }

  private static void refused(VirtualMachine vm, byte[] state) {
    MigrationException refusal =
        catchThrowableOfType(
            MigrationException.class, () -> vm.loadPlatform(ByteBuffer.wrap(state)));
    assertThat(refusal).isNotNull();
    assertThat(refusal.code()).isIn(DeviceError.DATA_CORRUPT, DeviceError.DATA_INCOMPATIBLE);
  }

  @Test
  void aPlatformOfOtherDevicesOrMemoryIsIncompatible() throws MigrationException {
    SimSide source = new SimSide(clock, false, "", SimMoveTest.pair("pds"));
    source.vm.resume();
    source.vm.pause();
    SimSide one = new SimSide(clock, true, "", List.of("sim:pds"));
    code(DeviceError.DATA_INCOMPATIBLE, () -> one.vm.loadPlatform(source.vm.savePlatform()));
    code(
        DeviceError.DATA_INCOMPATIBLE,
        () -> open(true, Map.of()).loadPlatform(source.vm.savePlatform()));
  }

  @Test
  void pageRequestsNeedRunningVcpus() throws MigrationException {
    VirtualMachine vm = open(false, Map.of("page-requests", "6", "vcpus", "2"));
    vm.resume();
    clock.advance(2_000_000);
    long before = clock.nanoTime();
    vm.settlePageRequests(50_000_000);
    assertThat(clock.nanoTime() - before).isEqualTo(3_000_000);
    vm.pause();
    vm.settlePageRequests(0);
    vm.resume();
    clock.advance(2_000_000);
    vm.pause();
    code(DeviceError.TIMEOUT, () -> vm.settlePageRequests(50_000_000));
    VirtualMachine stuck = open(false, Map.of("page-requests", "6", "page-requests-stuck", "true"));
    stuck.resume();
    clock.advance(2_000_000);
    code(DeviceError.TIMEOUT, () -> stuck.settlePageRequests(50_000_000));
  }

  @ParameterizedTest
  @CsvSource({
    "vcpus, 65, a number from 1 to 64",
    "dirty-rate, fast, parameter dirty-rate",
    "working-set, 5MiB, a size from 0 to 4194304 bytes",
    "peers, nic0, 'pairs of two different devices'",
    "peers, nic0:nic0, 'pairs of two different devices'",
    "memory, 5, has no parameter 'memory'"
  })
  void badOptionsAreRefusedByName(String name, String value, String text) {
    MigrationException refusal =
        catchThrowableOfType(MigrationException.class, () -> open(false, Map.of(name, value)));
    assertThat(refusal).isNotNull();
    assertThat(refusal.code()).isEqualTo(DeviceError.BAD_REQUEST);
    assertThat(refusal).hasMessageContaining(text);
  }

  @Test
  void peersThatAreNotThereAreRefused() throws MigrationException {
    SimSide side = new SimSide(clock, false, "nic0:nic7", List.of("sim:pds"));
    code(DeviceError.BAD_REQUEST, side.vm::resume);
  }
}
