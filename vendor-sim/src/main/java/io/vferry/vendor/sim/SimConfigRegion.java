package io.vferry.vendor.sim;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.RegionInfo;
import java.nio.ByteBuffer;

/**
 * Region 7: the PCI config space, which answers in each state. Function level reset is initiated
 * here, and is over when the write returns. The extended part, behind the first 256 bytes, holds
 * the {@link SimLedger}, and is not written.
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
      ByteBuffer start = into.slice(into.position(), plain);
      into.put(hardware.core().config, Math.min(offset, SimConfigSpace.BYTES), plain);
      if (hardware.engine().outstanding() > 0 || hardware.engine().underWay() > 0) {
        SimConfigSpace.showPending(start, offset);
      }
      if (into.hasRemaining()) {
        int at = offset + plain - SimLedger.OFFSET;
        into.put(SimLedger.encode(hardware).slice(at, into.remaining()));
      }
    }
  }

  @Override
  void store(int offset, ByteBuffer from) {
    int plain = Math.max(0, Math.min(from.remaining(), SimConfigSpace.BYTES - offset));
    ByteBuffer written = from.slice(from.position(), plain);
    from.position(from.limit());
    if (SimConfigSpace.initiatesReset(offset, written)) {
      // What else was written is gone with the reset.
      resetFunction();
      return;
    }
    synchronized (hardware) {
      hardware.configSpace().write(hardware.core().config, offset, written);
      hardware.engine().update();
    }
    hardware.deliverInterrupts();
  }

  private void resetFunction() {
    try {
      hardware.reset();
    } catch (MigrationException e) {
      // No write of the config space says what came of it: the state does, which is ERROR.
    }
  }
}
