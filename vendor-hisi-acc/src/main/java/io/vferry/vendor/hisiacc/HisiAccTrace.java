package io.vferry.vendor.hisiacc;

/**
 * Where the event queue of a function is. A guest sets it up once; a reset clears it, and each
 * event that a device tells moves its end.
 *
 * @param ringAddress 0 if the guest has not set it up
 * @param ends head and tail
 */
record HisiAccTrace(long ringAddress, int ends) {

  static HisiAccTrace of(int[] eqc) {
    return new HisiAccTrace(HisiAccState.ringAddress(eqc), eqc[0]);
  }
}
