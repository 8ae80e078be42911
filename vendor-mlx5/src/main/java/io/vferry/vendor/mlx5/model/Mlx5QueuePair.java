package io.vferry.vendor.mlx5.model;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** A queue pair, as far as reports of dirty pages need one. The card's lock guards it. */
final class Mlx5QueuePair {

  /** States of a queue pair, in their order. */
  enum State {
    RESET,
    INIT,
    READY_TO_RECEIVE,
    READY_TO_SEND
  }

  /**
   * Where a message goes.
   *
   * @param index of the work request
   */
  record Receive(int index, int lengthBytes, int key, long address) {}

  final int number;
  final int pd;
  final int receiveCq;
  private final int logSize;
  private final int logStride;
  private final int pageShift;
  private final long[] pages;
  private final long doorbellRecord;
  State state = State.RESET;
  int remote;
  private int consumer;

  Mlx5QueuePair(
      int number,
      int pd,
      int receiveCq,
      int logSize,
      int logStride,
      int pageShift,
      long[] pages,
      long doorbellRecord) {
    this.number = number;
    this.pd = pd;
    this.receiveCq = receiveCq;
    this.logSize = logSize;
    this.logStride = logStride;
    this.pageShift = pageShift;
    this.pages = pages;
    this.doorbellRecord = doorbellRecord;
  }

  /** Takes the next receive request, or returns null if the host has posted none. */
  @Nullable Receive receive(Mlx5Iommu iommu) {
    byte[] record = iommu.read(doorbellRecord, Integer.BYTES);
    if (record == null || pages.length == 0) {
      return null;
    }
    int producer = ByteBuffer.wrap(record).getInt() & 0xffff;
    if (producer == (consumer & 0xffff)) {
      return null;
    }
    int index = consumer & ((1 << logSize) - 1);
    long offset = (long) index << logStride;
    byte[] request =
        iommu.read(pages[(int) (offset >>> pageShift)] + (offset & ((1L << pageShift) - 1)), 16);
    if (request == null) {
      return null;
    }
    ByteBuffer fields = ByteBuffer.wrap(request);
    Receive receive =
        new Receive(consumer & 0xffff, fields.getInt(0), fields.getInt(4), fields.getLong(8));
    consumer++;
    return receive;
  }
}
