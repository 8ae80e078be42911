package io.vferry.simulation;

import io.vferry.compat.v1.V1DirtyTracking;
import io.vferry.compat.v1.V1MigrationRegion;
import io.vferry.compat.v1.V1RegionSettings;
import io.vferry.spi.access.AccessGuard;
import io.vferry.spi.access.AccessPolicy;
import io.vferry.spi.access.GuardedHostDevice;
import io.vferry.spi.driver.GuestRegions;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.model.DeviceModel;
import io.vferry.spi.vm.GuestAudit;
import io.vferry.spi.vm.VirtualMachine;
import io.vferry.spi.vm.VmSpec;
import io.vferry.vendor.sim.SimClock;
import io.vferry.vendor.sim.SimVmAdaptor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A machine of QEMU's with one device that is driven through the v1 region. */
final class QemuMachine implements AutoCloseable {

  private static final long MEMORY_BYTES = 8 << 20;

  final VirtualMachine vm;
  final QemuV1 qemu;
  private final HostDevice host;
  private final MigratableDevice device;
  private final V1DirtyTracking container;
  private final List<String> forbidden = new ArrayList<>();

  QemuMachine(
      QemuV1.Version version,
      SimClock clock,
      boolean incoming,
      DeviceModel model,
      MigrationDriver driver,
      String address,
      int windowBytes)
      throws MigrationException {
    vm = new SimVmAdaptor().open(new VmSpec("vm", MEMORY_BYTES, incoming, Map.of(), clock));
    host = model.create(DeviceAddress.parse(address), new OpenContext("dev0", clock));
    AccessGuard guard =
        new AccessGuard(
            "dev0",
            AccessPolicy.Mode.ENFORCE,
            (id, access, state) -> forbidden.add(id + " " + access + " in " + state));
    device = new GuardedDevice(driver.attach(host), guard);
    Optional<DmaLog> log = device.capability(DmaLog.class);
    container =
        new V1DirtyTracking(log.stream().toList(), log.isPresent(), vm.memory().pageSizeBytes());
    for (MemoryRange range : vm.memory().layout()) {
      host.dma().map(range.start(), vm.memory().slice(range), DmaSpace.Direction.READ_WRITE);
      container.mapped(range);
    }
    HostDevice guest =
        new GuardedHostDevice(
            host, guard, device.capability(GuestRegions.class).orElse(() -> Map.of()));
    vm.plug("dev0", guest);
    qemu =
        new QemuV1(
            version,
            new V1MigrationRegion(
                device, new V1RegionSettings(9, windowBytes, false, 1_000_000_000, clock)),
            guest,
            container);
  }

  /** Returns the dirty ranges: what the vCPUs wrote, and what the container says. */
  List<MemoryRange> dirty() throws MigrationException {
    long page = vm.memory().pageSizeBytes();
    List<MemoryRange> dirty = new ArrayList<>();
    for (MemoryRange range : vm.memory().layout()) {
      DirtyBitmap bitmap = new DirtyBitmap(range, page);
      vm.reportDirty(bitmap);
      bitmap.forEachRun(
          (first, count) -> dirty.add(new MemoryRange(range.start() + first * page, count * page)));
      ByteBuffer bits =
          ByteBuffer.allocate((int) ((bitmap.pages() + 63) / 64 * 8))
              .order(ByteOrder.nativeOrder());
      container.getBitmap(range, page, bits);
      qemu.trace.add("dirty bitmap %d %d".formatted(range.start(), range.length()));
      BitSet set = BitSet.valueOf(bits);
      set.stream().forEach(bit -> dirty.add(new MemoryRange(range.start() + bit * page, page)));
    }
    return dirty;
  }

  /** Returns what is wrong with the machine, which has stopped. */
  List<String> violations() throws MigrationException {
    GuestAudit.Verdict verdict = vm.audit().orElseThrow().audit();
    List<String> all = new ArrayList<>(verdict.violations());
    all.addAll(forbidden);
    return all;
  }

  Map<String, Long> counts() throws MigrationException {
    return vm.audit().orElseThrow().audit().counts();
  }

  @Override
  public void close() throws MigrationException {
    vm.close();
    device.close();
    host.close();
  }
}
