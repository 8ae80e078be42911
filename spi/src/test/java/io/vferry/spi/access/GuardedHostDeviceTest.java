package io.vferry.spi.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.host.RegionWrite;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class GuardedHostDeviceTest {

  private static final MemoryRange PAGE = new MemoryRange(0, 4096);

  private final RecordingDevice device = new RecordingDevice();
  private final AccessGuard guard =
      new AccessGuard("nic0", AccessPolicy.Mode.ENFORCE, (id, access, state) -> {});
  private final GuardedHostDevice guarded = new GuardedHostDevice(device, guard);

  /** What a guest can do, as which access it counts, and what the device then sees. */
  private record Use(Access access, ThrowingCallable call) {}

  private Map<String, Use> uses() throws MigrationException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(4);
    Interrupts interrupts = guarded.interrupts();
    DmaSpace dma = guarded.dma();
    Map<String, Use> uses = new LinkedHashMap<>();
    uses.put("read 0", new Use(Access.REGION_READ, () -> guarded.region(0).read(0, buffer)));
    uses.put("write 0", new Use(Access.REGION_WRITE, () -> guarded.region(0).write(0, buffer)));
    uses.put("map 0", new Use(Access.REGION_MAP, () -> guarded.region(0).map(0, 4096)));
    List<RegionWrite> one = List.of(new RegionWrite(0, buffer));
    uses.put("write 0 ", new Use(Access.REGION_WRITE, () -> guarded.region(0).writeAll(one)));
    int config = RegionInfo.PCI_CONFIG;
    uses.put("read 7", new Use(Access.CONFIG_READ, () -> guarded.region(config).read(0, buffer)));
    uses.put(
        "write 7", new Use(Access.CONFIG_WRITE, () -> guarded.region(config).write(0, buffer)));
    uses.put("enable", new Use(Access.SET_IRQS, () -> interrupts.enable(0, 1, vector -> {})));
    uses.put("disable", new Use(Access.SET_IRQS, () -> interrupts.disable(0)));
    uses.put("mask", new Use(Access.SET_IRQS, () -> interrupts.mask(0, 0)));
    uses.put("unmask", new Use(Access.SET_IRQS, () -> interrupts.unmask(0, 0)));
    uses.put("trigger", new Use(Access.SET_IRQS, () -> interrupts.trigger(0, 0)));
    uses.put(
        "dma map",
        new Use(Access.DMA_MAP, () -> dma.map(0, buffer, DmaSpace.Direction.READ_WRITE)));
    uses.put(
        "dma map peer RecordingRegion",
        new Use(Access.DMA_MAP, () -> dma.mapPeer(0, guarded.region(0), PAGE)));
    uses.put("dma unmap", new Use(Access.DMA_MAP, () -> dma.unmap(PAGE)));
    uses.put("reset", new Use(Access.RESET, guarded::reset));
    return uses;
  }

  @ParameterizedTest
  @EnumSource
  void whatTheTableForbidsDoesNotReachTheDevice(DeviceState state) throws Throwable {
    for (Map.Entry<String, Use> use : uses().entrySet()) {
      device.calls.clear();
      guard.at(state);
      if (AccessPolicy.permission(use.getValue().access(), state) == Permission.NO) {
        assertThatThrownBy(use.getValue().call()).isInstanceOf(MigrationException.class);
        assertThat(device.calls).as("%s in %s", use.getKey(), state).isEmpty();
      } else {
        use.getValue().call().call();
        assertThat(device.calls).containsExactly(use.getKey().strip());
      }
    }
  }

  @Test
  void eachOfSeveralWritesIsAnAccessOfItsOwn() throws MigrationException {
    Region part = new GuardedHostDevice(device, guard, () -> Map.of(0, 64L)).region(0);
    assertThat(part.writesAtOnce()).isEqualTo(1);
    List<RegionWrite> writes =
        Stream.of(0L, 60L, 64L, 8L)
            .map(offset -> new RegionWrite(offset, ByteBuffer.allocate(4)))
            .toList();
    assertThatThrownBy(() -> part.writeAll(writes)).hasMessageContaining("at 0x40");
    // The two before the one that is not the guest's.
    assertThat(device.calls).containsExactly("write 0", "write 0");
  }

  @Test
  void afterAResetTheDeviceRuns() throws MigrationException {
    guard.at(DeviceState.STOP_COPY);
    guarded.reset();
    guarded.region(0).read(0, ByteBuffer.allocate(4));
    assertThat(device.calls).containsExactly("reset", "read 0");
  }

  @Test
  void whatBelongsToTheRuntimeIsNotHandedOut() {
    assertThat(guarded.capability(HostMigration.class)).isEmpty();
    assertThat(guarded.capability(DmaLog.class)).isEmpty();
    assertThat(guarded.companion("pf")).isEmpty();
    assertThat(guarded.capability(String.class)).contains("ability");
  }

  @Test
  void closingItLeavesTheDeviceOpen() {
    guarded.close();
    assertThat(device.calls).isEmpty();
  }

  @Test
  void describesTheDevice() {
    assertThat(guarded.info()).isEqualTo(device.info());
    assertThat(guarded.regions()).isEqualTo(device.regions());
    assertThat(guarded.dma().pageSizeBytes()).isEqualTo(4096);
  }

  @Test
  void aPartThatTheDriverKeepsIsNotThere() throws MigrationException {
    GuardedHostDevice half = new GuardedHostDevice(device, guard, () -> Map.of(0, 2048L));
    Region region = half.region(0);
    assertThat(region.info().sizeBytes()).isEqualTo(2048);
    assertThat(half.regions()).singleElement().isEqualTo(region.info());

    region.read(2044, ByteBuffer.allocate(4));
    region.write(2047, ByteBuffer.allocate(1));
    region.read(2048, ByteBuffer.allocate(0));
    assertThat(device.calls).containsExactly("read 0", "write 0", "read 0");
    device.calls.clear();
    assertThatThrownBy(() -> region.read(2048, ByteBuffer.allocate(1)))
        .hasMessageContaining("not wholly inside the 0x800 bytes");
    assertThatThrownBy(() -> region.write(2045, ByteBuffer.allocate(4)))
        .hasMessageContaining("not wholly inside");
    assertThatThrownBy(() -> region.read(-4, ByteBuffer.allocate(4)))
        .hasMessageContaining("not wholly inside");
    assertThatThrownBy(() -> region.write(Long.MAX_VALUE, ByteBuffer.allocate(8)))
        .hasMessageContaining("not wholly inside");
    assertThatThrownBy(() -> region.map(0, 4096)).hasMessageContaining("not wholly inside");
    assertThat(device.calls).isEmpty();
  }

  @Test
  void aPartThatEndsInsideAPageCannotBeMapped() throws MigrationException {
    Region part = new GuardedHostDevice(device, guard, () -> Map.of(0, 2048L)).region(0);
    assertThat(part.info().mappable()).isFalse();
    assertThat(part.map(0, 1024)).isEmpty();
    assertThat(device.calls).isEmpty();
    // All of it can, as can a limit beyond its end.
    Region whole = new GuardedHostDevice(device, guard, () -> Map.of(0, 8192L)).region(0);
    assertThat(whole.info().mappable()).isTrue();
    assertThat(whole.info().sizeBytes()).isEqualTo(4096);
  }

  @Test
  void aRegionOfWhichTheGuestGetsNothingIsNotThere() {
    GuardedHostDevice none = new GuardedHostDevice(device, guard, () -> Map.of(0, 0L));
    assertThat(none.regions()).isEmpty();
    assertThatThrownBy(() -> none.region(0)).hasMessageContaining("not for the guest");
  }
}
