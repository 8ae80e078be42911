package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.model.GuestRoom;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.zip.CRC32C;

/** What the device has written into the guest's memory for its tasks, and whether it is right. */
record HisiAccGuestResults(GuestRoom room, HisiAccWorkload workload) {

  private static final int MAX_VIOLATIONS = 16;

  /** Whether a queue's task of that number, from 0, has been completed. */
  boolean completed(int queue, long count) throws MigrationException {
    return (completion(queue, count).getShort(HisiAccContexts.CQE_PHASE) & 1)
        == HisiAccGuestQueues.phase(count, workload.depth());
  }

  private ByteBuffer completion(int queue, long count) throws MigrationException {
    ByteBuffer entry = buffer(HisiAccContexts.CQE_BYTES);
    room.read(
        workload.layout().completionRing(queue)
            + count % workload.depth() * HisiAccContexts.CQE_BYTES,
        entry);
    return entry.rewind().order(ByteOrder.LITTLE_ENDIAN);
  }

  private ByteBuffer result(int queue, long count) throws MigrationException {
    ByteBuffer result = buffer(HisiAccContexts.RESULT_BYTES);
    room.read(workload.layout().result(queue, (int) (count % workload.depth())), result);
    return result.rewind().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Checks a completion and its result: the right task, done once, on the right data. */
  void check(int queue, long count, List<String> violations) throws MigrationException {
    ByteBuffer entry = completion(queue, count);
    int head = entry.getShort(HisiAccContexts.CQE_SQ_HEAD) & 0xffff;
    if (head != count % workload.depth()
        || (entry.getShort(HisiAccContexts.CQE_SQ_NUMBER) & 0xffff) != queue) {
      add(violations, queue, count, "completed out of order, as entry " + head);
    }
    ByteBuffer result = result(queue, count);
    int times = result.getInt(HisiAccContexts.RESULT_TIMES);
    if (times != 1) {
      add(violations, queue, count, "was done " + times + " times");
    }
    CRC32C checksum = new CRC32C();
    checksum.update(workload.data(queue, count + 1));
    if (result.getLong(HisiAccContexts.RESULT_ID) != count + 1
        || result.getInt(HisiAccContexts.RESULT_CHECKSUM) != (int) checksum.getValue()) {
      add(violations, queue, count, "has the result of something else");
    }
  }

  /** Checks that nothing was done for a task that did not complete. */
  void checkOpen(int queue, long count, List<String> violations) throws MigrationException {
    int times = result(queue, count).getInt(HisiAccContexts.RESULT_TIMES);
    if (times != 0) {
      add(violations, queue, count, "was done " + times + " times and did not complete");
    }
  }

  private static void add(List<String> violations, int queue, long count, String what) {
    if (violations.size() < MAX_VIOLATIONS) {
      violations.add("task %d of queue %d %s".formatted(count + 1, queue, what));
    }
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
