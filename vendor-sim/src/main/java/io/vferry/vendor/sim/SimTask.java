package io.vferry.vendor.sim;

import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;

/** The entries of the task rings in guest memory: number, value, check; little endian. */
final class SimTask {

  private SimTask() {}

  /** Returns the address of the entry for the task with the given index, counted from 0. */
  static long entry(long ring, long index) {
    return ring + index % SimRegisters.RING_ENTRIES * SimRegisters.ENTRY_BYTES;
  }

  static long payloadOf(long tag, long number) {
    return SimPattern.mix(tag ^ (number << 1));
  }

  static void submit(ByteBuffer entry, long number, long payload) {
    put(entry, number, payload);
  }

  static boolean submissionHolds(ByteBuffer entry, long number) {
    return holds(entry, number, payload(entry));
  }

  static long payload(ByteBuffer entry) {
    return entry.getLong(8);
  }

  static long number(ByteBuffer entry) {
    return entry.getLong(0);
  }

  static void complete(ByteBuffer entry, long number, long payload) {
    put(entry, number, SimPattern.mix(payload + number));
  }

  static boolean completionHolds(ByteBuffer entry, long number, long payload) {
    return holds(entry, number, SimPattern.mix(payload + number));
  }

  private static void put(ByteBuffer entry, long number, long value) {
    entry.putLong(8, value);
    // All of the entry counts, so that no byte of it can be lost unseen.
    for (int at = 16; at < SimRegisters.ENTRY_BYTES; at += Long.BYTES) {
      entry.putLong(at, SimPattern.mix(number ^ value ^ at));
    }
    // Whoever sees the number sees the rest.
    VarHandle.releaseFence();
    entry.putLong(0, number);
  }

  private static boolean holds(ByteBuffer entry, long number, long value) {
    if (entry.getLong(0) != number || entry.getLong(8) != value) {
      return false;
    }
    for (int at = 16; at < SimRegisters.ENTRY_BYTES; at += Long.BYTES) {
      if (entry.getLong(at) != SimPattern.mix(number ^ value ^ at)) {
        return false;
      }
    }
    return true;
  }
}
