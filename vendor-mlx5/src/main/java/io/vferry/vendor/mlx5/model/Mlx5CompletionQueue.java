package io.vferry.vendor.mlx5.model;

import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;

/**
 * A completion queue in host memory. The card's lock guards it.
 *
 * @see Mlx5EventQueue
 */
final class Mlx5CompletionQueue {

  private static final int ENTRY_BYTES = 64;

  final int number;
  final int eventQueue;
  private final int logSize;
  private final int pageShift;
  private final long[] pages;
  private final long doorbellRecord;
  private int producer;
  private boolean armed;

  Mlx5CompletionQueue(
      int number, int eventQueue, int logSize, int pageShift, long[] pages, long doorbellRecord) {
    this.number = number;
    this.eventQueue = eventQueue;
    this.logSize = logSize;
    this.pageShift = pageShift;
    this.pages = pages;
    this.doorbellRecord = doorbellRecord;
  }

  static int bytes(int logSize) {
    return ENTRY_BYTES << logSize;
  }

  /** Whether the host has read so little that an entry would be lost; it says so in memory. */
  boolean full(Mlx5Iommu iommu) {
    byte[] record = iommu.read(doorbellRecord, Integer.BYTES);
    if (record == null) {
      return true;
    }
    int consumer = ByteBuffer.wrap(record).getInt() & 0xffffff;
    return ((producer - consumer) & 0xffffff) >= 1 << logSize;
  }

  boolean post(Mlx5Iommu iommu, int opcode, int immediate, int byteCount, int wqeCounter) {
    byte[] entry = new byte[ENTRY_BYTES];
    ByteBuffer fields = ByteBuffer.wrap(entry);
    fields.putInt(0x24, immediate);
    fields.putInt(0x2c, byteCount);
    fields.putShort(0x3c, (short) wqeCounter);
    entry[0x3f] = (byte) (opcode << 4 | (producer >>> logSize & 1));
    long offset = (long) (producer & ((1 << logSize) - 1)) * ENTRY_BYTES;
    producer++;
    long address = pages[(int) (offset >>> pageShift)] + (offset & ((1L << pageShift) - 1));
    boolean arrived = iommu.write(address, ByteBuffer.wrap(entry, 0, ENTRY_BYTES - 1));
    VarHandle.fullFence();
    return arrived
        && iommu.write(address + ENTRY_BYTES - 1, ByteBuffer.wrap(entry, ENTRY_BYTES - 1, 1));
  }

  /** The host wants an event; returns whether it is due at once. */
  boolean arm(int consumer) {
    boolean due = ((producer - consumer) & 0xffffff) != 0;
    armed = !due;
    return due;
  }

  boolean event() {
    boolean due = armed;
    armed = false;
    return due;
  }
}
