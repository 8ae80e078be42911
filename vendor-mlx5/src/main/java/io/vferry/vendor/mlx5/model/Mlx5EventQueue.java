package io.vferry.vendor.mlx5.model;

import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;

/** An event queue in host memory. The card's lock guards it. */
final class Mlx5EventQueue {

  private static final int ENTRY_BYTES = 64;

  final int number;
  final int uar;
  final int vector;
  private final long[] mask;
  private final int logSize;
  private final int pageShift;
  private final long[] pages;
  private int producer;
  private int consumer;
  private boolean armed;

  Mlx5EventQueue(
      int number, int uar, int vector, long[] mask, int logSize, int pageShift, long[] pages) {
    this.number = number;
    this.uar = uar;
    this.vector = vector;
    this.mask = mask;
    this.logSize = logSize;
    this.pageShift = pageShift;
    this.pages = pages;
  }

  static int bytes(int logSize) {
    return ENTRY_BYTES << logSize;
  }

  boolean wants(int type) {
    // The first of the four words holds the types from 0 to 63.
    return type < 64 && (mask[0] >>> type & 1) != 0;
  }

  boolean full() {
    return producer - consumer >= 1 << logSize;
  }

  /**
   * Writes an event.
   *
   * @param data at most 28 bytes, which begin at 0x20 of the entry
   * @return whether it arrived in memory
   */
  boolean post(Mlx5Iommu iommu, int type, byte[] data) {
    int index = producer & (1 << logSize) - 1;
    byte[] entry = new byte[ENTRY_BYTES];
    entry[1] = (byte) type;
    System.arraycopy(data, 0, entry, 0x20, data.length);
    entry[0x3f] = (byte) (producer >>> logSize & 1);
    producer++;
    long offset = (long) index * ENTRY_BYTES;
    long address = pages[(int) (offset >>> pageShift)] + (offset & (1L << pageShift) - 1);
    // The owner bit comes last, so that nobody sees half an event.
    boolean arrived = iommu.write(address, ByteBuffer.wrap(entry, 0, ENTRY_BYTES - 1));
    VarHandle.fullFence();
    return arrived
        && iommu.write(address + ENTRY_BYTES - 1, ByteBuffer.wrap(entry, ENTRY_BYTES - 1, 1));
  }

  /** The host tells how far it has read; returns whether an interrupt is due at once. */
  boolean consumed(int index, boolean arm) {
    // The host tells 24 bits of it.
    consumer = producer - ((producer - index) & 0xffffff);
    if (!arm) {
      return false;
    }
    armed = producer == consumer;
    return !armed;
  }

  /** Whether the host wants to be interrupted now; it has to arm the queue again after that. */
  boolean interrupt() {
    boolean due = armed;
    armed = false;
    return due;
  }
}
