package io.vferry.vendor.hisiacc.model;

import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What a guest does with an accelerator. It is the guest's, so it goes where the guest goes.
 *
 * @param kind which accelerator
 * @param queues how many queues it uses
 * @param depth of each
 * @param taskBytes what one task works on
 * @param tasksPerSecond how many it hands out
 * @param seed of the data
 */
record HisiAccWorkload(
    HisiAccKind kind, int queues, int depth, int taskBytes, int tasksPerSecond, long seed) {

  static final int MAX_QUEUES = 64;
  static final int MIN_DEPTH = 4;
  static final int MAX_DEPTH = 1024;
  static final int MIN_TASK_BYTES = 8;
  static final int MAX_TASK_BYTES = 4096;
  static final int MAX_TASKS_PER_SECOND = 1_000_000;

  /** Returns what a guest does with a device of which no more is known. */
  static HisiAccWorkload of(HisiAccKind kind) {
    return new HisiAccWorkload(kind, 16, 16, 64, 2_000, 1);
  }

  HisiAccWorkload withQueues(int count) {
    return new HisiAccWorkload(kind, count, depth, taskBytes, tasksPerSecond, seed);
  }

  HisiAccGuestLayout layout() {
    return new HisiAccGuestLayout(queues, depth, kind.taskBytes(), taskBytes);
  }

  /** Returns what a task works on. */
  ByteBuffer data(int queue, long id) {
    ByteBuffer bytes = ByteBuffer.allocate(taskBytes).order(ByteOrder.LITTLE_ENDIAN);
    long random = seed * 0x9e3779b97f4a7c15L + id * 0xbf58476d1ce4e5b9L + queue;
    while (bytes.hasRemaining()) {
      random ^= random << 13;
      random ^= random >>> 7;
      random ^= random << 17;
      bytes.put((byte) random);
    }
    return bytes.flip();
  }
}
