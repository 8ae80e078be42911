package io.vferry.vendor.hisiacc.model;

/** A condition that lasts for a number of reads. Under the chip's lock. */
final class HisiAccPending {

  private int value;
  private int reads;

  /**
   * Makes it pend.
   *
   * @param value what is read
   * @param reads for so many reads; below 0 for ever
   */
  void set(int value, int reads) {
    this.value = value;
    this.reads = reads;
  }

  /** Adds bits that stay. */
  void add(int bits) {
    value = reads == 0 ? bits : value | bits;
    reads = -1;
  }

  void clear() {
    set(0, 0);
  }

  int read() {
    if (reads == 0) {
      return 0;
    }
    if (reads > 0) {
      reads--;
    }
    return value;
  }
}
