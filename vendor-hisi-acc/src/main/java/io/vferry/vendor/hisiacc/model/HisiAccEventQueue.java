package io.vferry.vendor.hisiacc.model;

import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The queue of events, or of asynchronous events, of a function. Its context is in registers. Under
 * the chip's lock.
 */
final class HisiAccEventQueue {

  /** Beside the phase, as in the context of a completion queue; no public text says so. */
  private static final int ARMED = 1 << 17;

  private static final int FLAGS = 6;

  private final HisiAccMemory memory;
  private final HisiAccQuirks quirks;
  private final int[] context = new int[HisiAccNumbers.EVENT_CONTEXT_WORDS];
  private boolean armed;
  private boolean masked = true;
  private boolean pending;

  HisiAccEventQueue(HisiAccMemory memory, HisiAccQuirks quirks) {
    this.memory = memory;
    this.quirks = quirks;
  }

  int word(int index) {
    return index == FLAGS && armed && quirks.armedInContext
        ? context[index] | ARMED
        : context[index];
  }

  void word(int index, int value) {
    context[index] = value;
    if (index == FLAGS) {
      context[index] &= ~ARMED;
      armed = quirks.armedInContext && (value & ARMED) != 0;
    }
  }

  /** Returns the context as it is in memory. */
  ByteBuffer context() {
    ByteBuffer words = ByteBuffer.allocate(HisiAccContexts.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int index = 0; index < context.length; index++) {
      words.putInt(index * Integer.BYTES, word(index));
    }
    return words;
  }

  int mask() {
    return masked ? 1 : 0;
  }

  /** Masks or unmasks; returns whether an interrupt that was held back is raised. */
  boolean mask(int value) {
    masked = (value & 1) != 0;
    if (!masked && pending) {
      pending = false;
      return true;
    }
    return false;
  }

  private int head() {
    return context[0] & 0xffff;
  }

  private int tail() {
    return context[0] >>> 16;
  }

  private int depth() {
    return (context[6] & 0xffff) + 1;
  }

  private long base() {
    return (context[2] & 0xffffffffL) << 32 | (context[1] & 0xffffffffL);
  }

  boolean configured() {
    return base() != 0;
  }

  /** Writes an event at the tail; its phase changes each time around. */
  void post(int event) {
    int phase = context[6] >>> 16 & 1;
    ByteBuffer entry = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    entry.putInt(event | phase << 16).flip();
    memory.write(base() + (long) tail() * Integer.BYTES, entry);
    int next = tail() + 1;
    if (next == depth()) {
      next = 0;
      context[6] ^= 1 << 16;
    }
    context[0] = head() | next << 16;
  }

  /** Tells of events, once each time it is armed; returns whether an interrupt is raised. */
  boolean tell() {
    if (!armed) {
      return false;
    }
    armed = false;
    if (masked) {
      pending = true;
      return false;
    }
    return true;
  }

  /**
   * Takes a doorbell: entries before the head are read, and the queue is armed again.
   *
   * @return whether an interrupt is raised, since there are entries beyond the head
   */
  boolean ring(int head) {
    context[0] = (context[0] & 0xffff0000) | (head & 0xffff);
    armed = true;
    return head() != tail() && tell();
  }
}
