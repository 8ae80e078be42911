package io.vferry.vendor.sim;

import io.vferry.spi.host.RegionInfo;
import java.nio.ByteBuffer;

/**
 * Region 7: the PCI config space, which answers in each state. The extended part, behind the first
 * 256 bytes, holds the {@link SimLedger}, and is not written.
 */
final class SimConfigRegion extends SimRegion {

  private final SimHardware hardware;

  SimConfigRegion(SimHardware hardware) {
    super(RegionInfo.PCI_CONFIG, SimConfigSpace.EXTENDED_BYTES);
    this.hardware = hardware;
  }

  @Override
  void load(int offset, ByteBuffer into) {
    synchronized (hardware) {
      int plain = Math.max(0, Math.min(into.remaining(), SimConfigSpace.BYTES - offset));
      into.put(hardware.core().config, Math.min(offset, SimConfigSpace.BYTES), plain);
      if (into.hasRemaining()) {
        int at = offset + plain - SimLedger.OFFSET;
        into.put(SimLedger.encode(hardware).slice(at, into.remaining()));
      }
    }
  }

  @Override
  void store(int offset, ByteBuffer from) {
    int plain = Math.max(0, Math.min(from.remaining(), SimConfigSpace.BYTES - offset));
    synchronized (hardware) {
      hardware
          .configSpace()
          .write(hardware.core().config, offset, from.slice(from.position(), plain));
      hardware.engine().update();
    }
    from.position(from.limit());
    hardware.deliverInterrupts();
  }
}
