package io.vferry.vendor.hisiacc;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Interrupts;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;

/**
 * Sees to it that the guest is told of each event. An interrupt that was not delivered is in no
 * register and does not travel, but the event that it was for is in memory, beyond the head.
 *
 * <p>It is told of twice. The driver that stops a function does it for a destination whose driver
 * does not (Linux 7.3 rings when it saves, and not when it starts); the interrupt then waits with
 * the stopped vCPUs and travels with them. The driver that starts a function does it for a source
 * whose driver did not. One interrupt too many does no harm: the guest finds nothing new.
 */
final class HisiAccEvents {

  /** Vectors of a virtual function; Linux 6.12, {@code drivers/crypto/hisilicon/qm.c}. */
  private static final int EVENT_VECTOR = 0;

  private static final int ASYNC_EVENT_VECTOR = 1;

  private final HisiAccFunction function;

  HisiAccEvents(HisiAccFunction function) {
    this.function = function;
  }

  /** Makes the device look again for events beyond the heads, and tell of them. */
  void ring() throws MigrationException {
    HisiAccVf vf = function.vf();
    vf.ringEvents(HisiAccNumbers.DOORBELL_EQ, HisiAccState.head(vf.readEqc()));
    vf.ringEvents(HisiAccNumbers.DOORBELL_AEQ, HisiAccState.head(vf.readAeqc()));
  }

  /**
   * Before a paused function counts as stopped: rings, and then interrupts in its place, since
   * nobody says whether a paused device heeds these doorbells.
   */
  void handOver() throws MigrationException {
    ring();
    HisiAccVf vf = function.vf();
    tell(vf.readEqc(), HisiAccVfRegister.EQ_INT_MASK, EVENT_VECTOR);
    tell(vf.readAeqc(), HisiAccVfRegister.AEQ_INT_MASK, ASYNC_EVENT_VECTOR);
  }

  private void tell(int[] context, HisiAccVfRegister mask, int vector) throws MigrationException {
    if (HisiAccState.head(context) == HisiAccState.tail(context)
        || (function.vf().read(mask) & 1) != 0) {
      return;
    }
    try {
      function.interrupts().trigger(Interrupts.MSI, vector);
    } catch (MigrationException e) {
      // Nobody has turned the interrupt on, so nobody misses it.
      if (e.code() != DeviceError.BAD_REQUEST) {
        throw e;
      }
    }
  }
}
