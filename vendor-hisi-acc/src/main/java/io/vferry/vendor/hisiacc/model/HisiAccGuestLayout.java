package io.vferry.vendor.hisiacc.model;

/**
 * Where a guest's driver has what, from the start of its memory.
 *
 * @param queues number of queues
 * @param depth of each queue
 * @param entryBytes size of a task's entry
 * @param dataBytes what a task works on
 */
record HisiAccGuestLayout(int queues, int depth, int entryBytes, int dataBytes) {

  /** Depth of both event queues; each completion queue has at most one event in it. */
  static final int EVENTS = 128;

  private static final long MAILBOX_BUFFER = 0;
  private static final long EVENT_RING = 0x1000;
  private static final long ASYNC_RING = 0x2000;
  private static final long SQC_ARRAY = 0x3000;
  private static final long CQC_ARRAY = 0x3800;
  private static final long QUEUES = 0x4000;
  private static final int ALIGNMENT = 64;

  long mailboxBuffer() {
    return MAILBOX_BUFFER;
  }

  long eventRing() {
    return EVENT_RING;
  }

  long asyncRing() {
    return ASYNC_RING;
  }

  long sqcArray() {
    return SQC_ARRAY;
  }

  long cqcArray() {
    return CQC_ARRAY;
  }

  private long queueBytes() {
    long bytes =
        (long) depth
            * (entryBytes + HisiAccContexts.CQE_BYTES + HisiAccContexts.RESULT_BYTES + dataBytes);
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  long submissionRing(int queue) {
    return QUEUES + queue * queueBytes();
  }

  long completionRing(int queue) {
    return submissionRing(queue) + (long) depth * entryBytes;
  }

  long result(int queue, int slot) {
    return completionRing(queue)
        + (long) depth * HisiAccContexts.CQE_BYTES
        + (long) slot * HisiAccContexts.RESULT_BYTES;
  }

  long data(int queue, int slot) {
    return result(queue, depth) + (long) slot * dataBytes;
  }

  long totalBytes() {
    return submissionRing(queues);
  }
}
