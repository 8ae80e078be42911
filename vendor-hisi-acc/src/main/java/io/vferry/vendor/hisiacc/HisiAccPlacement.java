package io.vferry.vendor.hisiacc;

import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;

/**
 * Where the registers are that migration uses.
 *
 * @param inPf whether they are in the function's window in the physical function, so that the guest
 *     has all of the virtual function's BAR
 * @param base added to the offset of each register
 * @param eqc offset of the event queue's context from {@code base}
 * @param aeqc offset of the asynchronous event queue's context from {@code base}
 */
record HisiAccPlacement(boolean inPf, long base, int eqc, int aeqc) {

  /** The second half of the virtual function's BAR. */
  static HisiAccPlacement inVf() {
    return new HisiAccPlacement(false, 0, HisiAccNumbers.VF_EQC, HisiAccNumbers.VF_AEQC);
  }

  /** The window of a function; numbered from 1, as 0 is the physical one. */
  static HisiAccPlacement inPf(int function) {
    return new HisiAccPlacement(
        true,
        HisiAccNumbers.WINDOWS + (long) function * HisiAccNumbers.WINDOW_BYTES,
        HisiAccNumbers.WINDOW_EQC,
        HisiAccNumbers.WINDOW_AEQC);
  }
}
