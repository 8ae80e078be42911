package io.vferry.vendor.hisiacc;

import io.vferry.spi.error.MigrationException;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;

/**
 * Starts a function that was paused, whether it was loaded, cancelled or never saved: acknowledges
 * messages, kicks each queue that the hardware says it has, and makes it tell again of events that
 * the guest has not read.
 *
 * <p>A function whose guest driver is not ready has no queues to go on with and is left alone; its
 * guest sets it up anew.
 */
final class HisiAccRestart {

  private final HisiAccFunction function;
  private final HisiAccEvents events;

  HisiAccRestart(HisiAccFunction function, HisiAccEvents events) {
    this.function = function;
    this.events = events;
  }

  /** Starts the function, if its guest's driver says that it is ready. */
  void start(HisiAccQueues queues) throws MigrationException {
    if (!function.guestReady()) {
      return;
    }
    function
        .vf()
        .run()
        .write(HisiAccVfRegister.IFC_INT_SOURCE, 1)
        .write(HisiAccVfRegister.IFC_INT_MASK, 0)
        .done();
    function.vf().kick(queues.count());
    events.ring();
  }
}
