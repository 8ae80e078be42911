package io.vferry.simulation;

import io.vferry.spi.driver.SpiLevel;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.GuestMemory;
import io.vferry.spi.vm.PlacedRegion;
import io.vferry.spi.vm.VirtualMachine;
import io.vferry.spi.vm.VmAdaptor;
import io.vferry.spi.vm.VmSpec;
import io.vferry.vendor.sim.SimVmAdaptor;
import java.nio.ByteBuffer;
import java.util.List;

/** A machine that reports no dirty memory once it is paused, so that the last pass is skipped. */
@SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)
final class ForgetfulAdaptor implements VmAdaptor {

  private final SimVmAdaptor real = new SimVmAdaptor();

  @Override
  public String id() {
    return real.id();
  }

  @Override
  public VirtualMachine open(VmSpec spec) throws MigrationException {
    VirtualMachine vm = real.open(spec);
    return new VirtualMachine() {
      private boolean paused;

      @Override
      public GuestMemory memory() {
        return vm.memory();
      }

      @Override
      public void plug(String id, HostDevice device) throws MigrationException {
        vm.plug(id, device);
      }

      @Override
      public List<PlacedRegion> placedRegions() throws MigrationException {
        return vm.placedRegions();
      }

      @Override
      public void resume() throws MigrationException {
        vm.resume();
      }

      @Override
      public void pause() throws MigrationException {
        vm.pause();
        paused = true;
      }

      @Override
      public void settlePageRequests(long timeoutNanos) throws MigrationException {
        vm.settlePageRequests(timeoutNanos);
      }

      @Override
      public void startDirtyLog() throws MigrationException {
        vm.startDirtyLog();
      }

      @Override
      public void stopDirtyLog() throws MigrationException {
        vm.stopDirtyLog();
      }

      @Override
      public void reportDirty(DirtyBitmap into) throws MigrationException {
        if (!paused) {
          vm.reportDirty(into);
        }
      }

      @Override
      public ByteBuffer savePlatform() throws MigrationException {
        return vm.savePlatform();
      }

      @Override
      public void loadPlatform(ByteBuffer state) throws MigrationException {
        vm.loadPlatform(state);
      }

      @Override
      public void close() throws MigrationException {
        vm.close();
      }
    };
  }
}
