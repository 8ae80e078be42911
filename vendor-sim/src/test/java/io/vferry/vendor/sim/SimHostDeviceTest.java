package io.vferry.vendor.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.access.AccessGuard;
import io.vferry.spi.access.AccessPolicy;
import io.vferry.spi.access.GuardedHostDevice;
import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.driver.GuestRegions;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SimHostDeviceTest {

  private final SimClock clock = new SimClock(51);

  private SimHostDevice open(String address) throws MigrationException {
    return SimSide.open(clock, "nic", address);
  }

  @Test
  void theGuestDoesNotGetTheMigrationRegisters() throws MigrationException {
    SimHostDevice host = open("sim:mlx5");
    MigratableDevice device = new SimMigrationDriver().attach(host);
    GuestRegions limits = device.capability(GuestRegions.class).orElseThrow();
    HostDevice visible =
        new GuardedHostDevice(
            host,
            new AccessGuard("nic", AccessPolicy.Mode.ENFORCE, (id, access, at) -> {}),
            limits);
    assertThat(host.regions()).extracting(RegionInfo::index).containsExactly(0, 2, 4, 7);
    assertThat(visible.regions()).extracting(RegionInfo::index).containsExactly(0, 4, 7);
    assertThatThrownBy(() -> visible.region(2)).isInstanceOf(MigrationException.class);
  }

  @ParameterizedTest
  @CsvSource({
    "mlx5, STOP_COPY_P2P_PRE_COPY, true, 67108864",
    "hisi-acc, STOP_COPY_PRE_COPY, false, 176",
    "pds, STOP_COPY_P2P, true, 1048576",
    "qat, STOP_COPY_P2P_PRE_COPY, false, 524288",
    "virtio, STOP_COPY_P2P_PRE_COPY, false, 4194304",
    "xe, STOP_COPY_P2P, false, 268435456",
    "mtty, STOP_COPY_P2P_PRE_COPY, true, 96"
  })
  void profilesHaveTheFeaturesOfTheirKernelDrivers(
      String profile, FeatureSet features, boolean dmaLog, long stateBytes)
      throws MigrationException {
    SimHostDevice host = open("sim:" + profile);
    assertThat(new SimMigrationDriver().match(host.info()).rank())
        .isEqualTo(DriverMatch.Rank.EXACT);
    MigratableDevice device = new SimMigrationDriver().attach(host);
    assertThat(device.features()).isEqualTo(features);
    assertThat(device.capability(DmaLog.class).isPresent()).isEqualTo(dmaLog);
    assertThat(device.capability(Compatibility.class).orElseThrow().describe())
        .containsEntry("state-bytes", Long.toString(stateBytes));
    assertThat(new SimDeviceModel().names()).contains(profile);
    assertThat(new SimDeviceModel().description(profile)).contains("of state; parameters state");
  }

  @ParameterizedTest
  @CsvSource({
    "sim:nic, there is no simulated device 'nic'; there are mlx5",
    "sim:mlx5?colour=red, has no parameter 'colour'; it has corrupt-at",
    "sim:mlx5?state=5QiB, parameter state of the simulated device mlx5 is '5QiB'",
    "sim:mlx5?state=17GiB, a size from 0 to 17179869184 bytes",
    "sim:mlx5?state=-1, a size from 0 to 17179869184 bytes",
    "sim:mlx5?state=99999999999GiB, a size from 0 to",
    "sim:mlx5?state=4KiB&initial=8KiB, parameter initial",
    "sim:mtty?dma-rate=1MiB, a size from 0 to 0 bytes",
    "sim:mlx5?task-time=1h, a time from 0 to 60000000000 ns",
    "sim:mlx5?service-time.STOP_TO_RUNNING=99999s, parameter service-time.STOP_TO_RUNNING",
    "sim:mlx5?p2p=maybe, on or off",
    "sim:mlx5?fail-arc=STOP_TO_ERROR, an arc",
    "sim:mlx5?sizes=some, 'one of true, zero, max, shrinking'",
    "sim:mlx5?local-memory=1MiB, a size from 0 to 131072 bytes",
    "sim:mlx5?local-memory=12KiB, cannot have 12288 bytes of local memory: it is a power of two",
    "sim:mlx5?local-memory=2KiB, it is a power of two from 4096 to 131072",
    "sim:mlx5?firmware=0, a number from 1 to 1000000",
    "sim:mlx5?corrupt-at=x, parameter corrupt-at"
  })
  void badParametersAreRefusedByName(String address, String text) {
    MigrationException refusal =
        catchThrowableOfType(MigrationException.class, () -> open(address));
    assertThat(refusal).as(address).isNotNull();
    assertThat(refusal.code()).isEqualTo(DeviceError.BAD_REQUEST);
    assertThat(refusal).hasMessageContaining(text);
  }

  @Test
  void aListedDeviceMatchesByItsAddressAndOthersNotAtAll() {
    assertThat(rank("sim", "virtio")).isEqualTo(DriverMatch.Rank.EXACT);
    assertThat(rank("sim", "other-model")).isEqualTo(DriverMatch.Rank.NONE);
    assertThat(rank("pci", "virtio")).isEqualTo(DriverMatch.Rank.NONE);
  }

  private static DriverMatch.Rank rank(String bus, String path) {
    DeviceAddress address = new DeviceAddress(bus, path, Map.of());
    return new SimMigrationDriver()
        .match(new HostDeviceInfo(address, bus, 0, 0, 0, 0, false, Map.of()))
        .rank();
  }

  @Test
  void configSpaceReadsAsAPciDeviceWithMsix() throws MigrationException {
    SimHostDevice host = open("sim:virtio");
    ByteBuffer config = ByteBuffer.allocate(256).order(ByteOrder.LITTLE_ENDIAN);
    host.region(RegionInfo.PCI_CONFIG).read(0, config);
    assertThat(config.getShort(0) & 0xffff).isEqualTo(host.info().vendorId());
    assertThat(config.getShort(2) & 0xffff).isEqualTo(host.info().deviceId());
    assertThat(config.getShort(6) & 0x10).isNotZero();
    int capability = config.get(0x34);
    assertThat(config.get(capability)).isEqualTo((byte) 0x11);
    assertThat(config.getShort(capability + 2) & 0x7ff).isEqualTo(SimRegisters.VECTORS - 1);
    // Sizing of BAR 0; read-only fields stay.
    ByteBuffer ones = ByteBuffer.wrap(new byte[] {-1, -1, -1, -1});
    host.region(RegionInfo.PCI_CONFIG).write(0x10, ones.duplicate());
    host.region(RegionInfo.PCI_CONFIG).write(0, ones.duplicate());
    host.region(RegionInfo.PCI_CONFIG).read(0, config.clear());
    assertThat(config.getInt(0x10) & ~0xf).isEqualTo(-SimRegisters.GUEST_BAR_BYTES);
    assertThat(config.getShort(0) & 0xffff).isEqualTo(host.info().vendorId());
  }

  @Test
  void accessesOutsideARegionAreRefused() throws MigrationException {
    SimHostDevice host = open("sim:mlx5?state=0");
    assertThatThrownBy(() -> host.region(1)).hasMessageContaining("has no region 1");
    for (RegionInfo region : host.regions()) {
      for (long offset : new long[] {-1, region.sizeBytes() - 7, Long.MAX_VALUE, Long.MIN_VALUE}) {
        assertThatThrownBy(() -> host.region(region.index()).read(offset, ByteBuffer.allocate(8)))
            .isInstanceOf(MigrationException.class);
      }
    }
  }

  @Test
  void dmaMappingsAreCheckedAndUnmappedWhole() throws MigrationException {
    DmaSpace dma = open("sim:mlx5?state=0").dma();
    ByteBuffer memory = ByteBuffer.allocateDirect(3 * 4096);
    refused(() -> dma.map(1, memory, DmaSpace.Direction.READ));
    refused(() -> dma.map(0, memory.slice(0, 100), DmaSpace.Direction.READ));
    refused(() -> dma.map(0, ByteBuffer.allocate(4096), DmaSpace.Direction.READ));
    refused(() -> dma.map(0xfee00000L, memory, DmaSpace.Direction.READ));
    refused(() -> dma.map(1L << 48, memory, DmaSpace.Direction.READ));
    refused(() -> dma.map(-4096, memory, DmaSpace.Direction.READ));
    dma.map(0x10000, memory, DmaSpace.Direction.READ);
    refused(() -> dma.map(0x12000, memory, DmaSpace.Direction.READ));
    refused(() -> dma.map(0xf000, memory, DmaSpace.Direction.READ));
    refused(() -> dma.unmap(new MemoryRange(0x11000, 4096)));
    refused(() -> dma.unmap(new MemoryRange(0xf000, 0x2000)));
    dma.unmap(new MemoryRange(0, 1L << 40));
    dma.map(0x12000, memory, DmaSpace.Direction.READ);
  }

  private interface Call {
    void run() throws MigrationException;
  }

  private static void refused(Call call) {
    MigrationException refusal = catchThrowableOfType(MigrationException.class, call::run);
    assertThat(refusal).isNotNull();
    assertThat(refusal.code()).isEqualTo(DeviceError.BAD_REQUEST);
  }

  @Test
  void memoryThatIsMappedForReadingIsNotWritten() throws MigrationException {
    SimDmaSpace dma = open("sim:mlx5?state=0").hardware().dmaSpace();
    dma.map(0x10000, ByteBuffer.allocateDirect(4096), DmaSpace.Direction.READ);
    assertThat(dma.memory(0x10000, 64, DmaSpace.Direction.READ)).isNotNull();
    assertThat(dma.memory(0x10000, 64, DmaSpace.Direction.WRITE)).isNull();
    assertThat(dma.memory(0x10fff, 64, DmaSpace.Direction.READ)).isNull();
    assertThat(dma.memory(-1, 64, DmaSpace.Direction.READ)).isNull();
    assertThat(dma.memory(Long.MAX_VALUE, 64, DmaSpace.Direction.READ)).isNull();
  }

  @Test
  void theDmaLogTellsAndForgetsAndKeepsWhatNobodyAskedFor() throws MigrationException {
    SimHostDevice host = open("sim:mlx5?state=0");
    DmaLog log = host.capability(DmaLog.class).orElseThrow();
    MemoryRange low = new MemoryRange(0, 0x10000);
    MemoryRange high = new MemoryRange(1L << 32, 0x10000);
    DirtyBitmap lowPages = new DirtyBitmap(low, 4096);
    DirtyBitmap highPages = new DirtyBitmap(high, 4096);
    assertThat(catchThrowableOfType(MigrationException.class, () -> log.report(lowPages)).code())
        .isEqualTo(DeviceError.DMA_LOG_FAILED);
    host.hardware().dmaLog().written(0x3000);
    log.start(List.of(low, high), 4096);
    assertThat(
            catchThrowableOfType(MigrationException.class, () -> log.start(List.of(low), 4096))
                .code())
        .isEqualTo(DeviceError.WRONG_STATE);
    host.hardware().dmaLog().written(0x5010);
    host.hardware().dmaLog().written((1L << 32) + 0x7000);
    host.hardware().dmaLog().written(0x20000);
    log.report(lowPages);
    assertThat(lowPages.dirtyPages()).isEqualTo(1);
    assertThat(lowPages.isDirty(5)).isTrue();
    lowPages.clear();
    log.report(lowPages);
    assertThat(lowPages.dirtyPages()).isZero();
    log.report(highPages);
    assertThat(highPages.isDirty(7)).isTrue();
    log.stop();
    log.stop();
  }

  @Test
  void interruptsKeepToTheirRules() throws MigrationException {
    Interrupts interrupts = open("sim:mlx5?state=0").interrupts();
    refused(() -> interrupts.enable(Interrupts.MSI, 1, vector -> {}));
    refused(() -> interrupts.enable(Interrupts.MSIX, SimRegisters.VECTORS + 1, vector -> {}));
    refused(() -> interrupts.trigger(Interrupts.MSIX, 0));
    List<Integer> told = new ArrayList<>();
    interrupts.enable(Interrupts.MSIX, SimRegisters.VECTORS, told::add);
    interrupts.trigger(Interrupts.MSIX, 1);
    assertThat(told).containsExactly(1);
    interrupts.mask(Interrupts.MSIX, 0);
    interrupts.trigger(Interrupts.MSIX, 0);
    assertThat(told).containsExactly(1);
    interrupts.unmask(Interrupts.MSIX, 0);
    assertThat(told).containsExactly(1, 0);
    interrupts.disable(Interrupts.MSIX);
    refused(() -> interrupts.trigger(Interrupts.MSIX, 0));
  }

  @Test
  void aHostThatMigratesKeepsTheRegistersAndWalksPaths() throws MigrationException {
    String address = "sim:virtio?state=300000&host-migration=on&work=off";
    SimHostDevice source = open(address);
    SimHostDevice target = open(address + "&seed=4");
    assertThat(source.info().hostMigration()).isTrue();
    assertThat(source.regions()).extracting(RegionInfo::index).containsExactly(0, 4, 7);
    assertThat(new SimMigrationDriver().match(source.info()).rank())
        .isEqualTo(DriverMatch.Rank.NONE);
    assertThatThrownBy(() -> new SimMigrationDriver().attach(source))
        .hasMessageContaining("host-migration=on");

    HostMigration from = source.capability(HostMigration.class).orElseThrow();
    HostMigration to = target.capability(HostMigration.class).orElseThrow();
    ByteBuffer buffer = ByteBuffer.allocate(4096);
    var saving = from.setState(DeviceState.PRE_COPY).orElseThrow();
    var loading = to.setState(DeviceState.RESUMING).orElseThrow();
    assertThat(saving.precopy().initialBytes()).isGreaterThan(300_000);
    long moved = 0;
    for (int got = saving.read(buffer); got > 0; got = saving.read(buffer.clear())) {
      moved += got;
      assertThat(loading.write(buffer.flip())).isEqualTo(got);
    }
    assertThat(moved).isGreaterThan(300_000);
    assertThat(from.setState(DeviceState.STOP_COPY)).isEmpty();
    assertThat(from.state()).isEqualTo(DeviceState.STOP_COPY);
    for (int got = saving.read(buffer.clear()); got > 0; got = saving.read(buffer.clear())) {
      loading.write(buffer.flip());
    }
    assertThat(to.setState(DeviceState.RUNNING)).isEmpty();
    assertThat(SimDeviceTruth.of(target).violations()).isEmpty();
    assertThat(target.hardware().core().seed).isEqualTo(1);

    MigrationException refusal =
        catchThrowableOfType(MigrationException.class, () -> from.setState(DeviceState.PRE_COPY));
    assertThat(refusal.code()).isEqualTo(DeviceError.ARC_UNSUPPORTED);
    assertThat(refusal.errno()).hasValue(22);
  }

  @Test
  void aPathOfTheHostStopsWhereAnArcFails() throws MigrationException {
    HostMigration host =
        open("sim:mlx5?state=0&host-migration=on&fail-arc=RUNNING_P2P_TO_STOP")
            .capability(HostMigration.class)
            .orElseThrow();
    MigrationException failure =
        catchThrowableOfType(MigrationException.class, () -> host.setState(DeviceState.STOP));
    assertThat(failure.code()).isEqualTo(DeviceError.ARC_FAILED);
    assertThat(failure.arc()).contains(Arc.RUNNING_P2P_TO_STOP);
    assertThat(failure.state()).contains(DeviceState.RUNNING_P2P);
    assertThat(host.state()).isEqualTo(DeviceState.RUNNING_P2P);
  }

  @Test
  void compatibilityNamesWhatDiffers() throws MigrationException {
    Compatibility here = compatibility("sim:mlx5?state=1MiB");
    assertThat(here.compare(here.describe())).isEmpty();
    assertThat(here.compare(compatibility("sim:virtio?state=2MiB&firmware=3").describe()))
        .extracting(Compatibility.Difference::key)
        .containsExactly("model", "state-bytes", "firmware");
    assertThat(compatibility("sim:mlx5?state=1MiB&firmware=3").compare(here.describe())).isEmpty();
    assertThat(here.compare(Map.of("firmware", "9".repeat(100))))
        .extracting(Compatibility.Difference::key)
        .containsExactly("model", "state-bytes", "local-memory-bytes", "stream-format", "firmware");
    assertThat(here.compare(compatibility("sim:mlx5?state=1MiB&local-memory=8KiB").describe()))
        .extracting(Compatibility.Difference::key)
        .containsExactly("local-memory-bytes");
  }

  private Compatibility compatibility(String address) throws MigrationException {
    return new SimMigrationDriver()
        .attach(open(address))
        .capability(Compatibility.class)
        .orElseThrow();
  }
}
