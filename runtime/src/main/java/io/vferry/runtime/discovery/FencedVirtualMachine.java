package io.vferry.runtime.discovery;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.GuestMemory;
import io.vferry.spi.vm.GuestAudit;
import io.vferry.spi.vm.PlacedRegion;
import io.vferry.spi.vm.VirtualMachine;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;

/** A virtual machine behind the fence of its adaptor; its memory is used directly. */
final class FencedVirtualMachine implements VirtualMachine {

  private final Fence fence;
  private final VirtualMachine machine;
  private final GuestMemory memory;

  FencedVirtualMachine(Fence fence, VirtualMachine machine) throws MigrationException {
    this.fence = fence;
    this.machine = machine;
    this.memory = fence.call("memory", machine::memory);
  }

  @Override
  public GuestMemory memory() {
    return memory;
  }

  @Override
  public void plug(String id, HostDevice device) throws MigrationException {
    fence.run("plug", () -> machine.plug(id, device));
  }

  @Override
  public List<PlacedRegion> placedRegions() throws MigrationException {
    return fence.call("placedRegions", () -> List.copyOf(machine.placedRegions()));
  }

  @Override
  public void resume() throws MigrationException {
    fence.run("resume", machine::resume);
  }

  @Override
  public void pause() throws MigrationException {
    fence.run("pause", machine::pause);
  }

  @Override
  public void settlePageRequests(long timeoutNanos) throws MigrationException {
    fence.run("settlePageRequests", () -> machine.settlePageRequests(timeoutNanos));
  }

  @Override
  public void startDirtyLog() throws MigrationException {
    fence.run("startDirtyLog", machine::startDirtyLog);
  }

  @Override
  public void stopDirtyLog() throws MigrationException {
    fence.run("stopDirtyLog", machine::stopDirtyLog);
  }

  @Override
  public void reportDirty(DirtyBitmap into) throws MigrationException {
    fence.run("reportDirty", () -> machine.reportDirty(into));
  }

  @Override
  public ByteBuffer savePlatform() throws MigrationException {
    return fence.call("savePlatform", machine::savePlatform);
  }

  @Override
  public void loadPlatform(ByteBuffer state) throws MigrationException {
    fence.run("loadPlatform", () -> machine.loadPlatform(state));
  }

  @Override
  public Optional<GuestAudit> audit() {
    try {
      return fence
          .call("audit", machine::audit)
          .map(audit -> () -> fence.call("audit", audit::audit));
    } catch (MigrationException broken) {
      return Optional.of(
          () -> {
            throw broken;
          });
    }
  }

  @Override
  public void close() throws MigrationException {
    fence.run("close", machine::close);
  }
}
