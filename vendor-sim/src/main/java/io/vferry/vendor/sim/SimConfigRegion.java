package io.vferry.vendor.sim;

import io.vferry.spi.host.RegionInfo;
import java.nio.ByteBuffer;

/** Region 7: the PCI config space, which answers in each state. */
final class SimConfigRegion extends SimRegion {

  private final SimHardware hardware;

  SimConfigRegion(SimHardware hardware) {
    super(RegionInfo.PCI_CONFIG, SimConfigSpace.BYTES);
    this.hardware = hardware;
  }

  @Override
  void load(int offset, ByteBuffer into) {
    synchronized (hardware) {
      into.put(hardware.core().config, offset, into.remaining());
    }
  }

  @Override
  void store(int offset, ByteBuffer from) {
    synchronized (hardware) {
      hardware.configSpace().write(hardware.core().config, offset, from);
      hardware.engine().update();
    }
    hardware.deliverInterrupts();
  }
}
