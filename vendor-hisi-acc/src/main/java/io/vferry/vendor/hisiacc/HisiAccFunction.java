package io.vferry.vendor.hisiacc;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Interrupts;
import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;

/**
 * A virtual function with all that is needed to move it.
 *
 * @param name for messages
 * @param kind which accelerator
 * @param number the function's number, from 1
 * @param inPf whether the migration registers are in the physical function
 * @param vf its registers
 * @param pf registers of its physical function
 * @param mailbox its mailbox
 * @param polling how to wait for it
 * @param interrupts of its guest
 */
record HisiAccFunction(
    String name,
    HisiAccKind kind,
    int number,
    boolean inPf,
    HisiAccVf vf,
    HisiAccPf pf,
    HisiAccMailbox mailbox,
    HisiAccWait polling,
    Interrupts interrupts) {

  /**
   * Makes sure that the registers are where they are looked for.
   *
   * @throws MigrationException {@code DEVICE_LOST} if they read all ones
   */
  void requireReachable() throws MigrationException {
    int word = vf.read(HisiAccVfRegister.MAILBOX);
    if (word == -1) {
      throw new MigrationException(
          DeviceError.DEVICE_LOST,
          "the mailbox of %s reads all ones: the device is gone, or its registers are elsewhere"
              .formatted(name));
    }
  }

  /** Returns whether the guest's driver says that it is ready. */
  boolean guestReady() throws MigrationException {
    return (vf.read(HisiAccVfRegister.VF_STATE) & 1) == 0;
  }

  /** Returns which queues the function has, as the physical function says. */
  HisiAccQueues queues() throws MigrationException {
    return pf.queues(number);
  }

  /**
   * Returns what the function says of itself as a source, without touching it.
   *
   * @param guestState 0 if the guest's driver is ready
   */
  HisiAccMatch match(int guestState) throws MigrationException {
    return HisiAccMatch.of(
        queues(), kind.vfDeviceId(), HisiAccCompatibility.isolation(pf), guestState);
  }
}
