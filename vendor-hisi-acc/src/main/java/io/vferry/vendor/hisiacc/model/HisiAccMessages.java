package io.vferry.vendor.hisiacc.model;

import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Messages between the physical function and the virtual ones. Their words go by mailbox; that
 * there is one is told, and acknowledged, by registers. Under the chip's lock.
 */
final class HisiAccMessages {

  private static final int RING_MASK = 0x7f;

  private final int functions;
  private final long[] toVirtual;
  private final long[] toPhysical;
  private long rung;
  private long ringing;

  HisiAccMessages(int functions) {
    this.functions = functions;
    this.toVirtual = new long[functions + 1];
    this.toPhysical = new long[functions + 1];
  }

  /**
   * Puts a message down.
   *
   * @param target counts only if it is from the physical function; the others reach no other
   * @return whether there is such a function
   */
  boolean send(int from, int target, long message) {
    if (from != HisiAccChip.PHYSICAL) {
      toPhysical[from] = message;
      return true;
    }
    List<Integer> targets = targets(target, HisiAccNumbers.ALL_FUNCTIONS);
    for (int number : targets) {
      toVirtual[number] = message;
    }
    return !targets.isEmpty();
  }

  /** Returns the message of another function for this one, or null if there is no such function. */
  @Nullable Long receive(int by, int from) {
    if (by != HisiAccChip.PHYSICAL) {
      return toVirtual[by];
    }
    return from >= 1 && from <= functions ? toPhysical[from] : null;
  }

  /** The physical function rings; returns whom. */
  List<Integer> ringFrom(int configured) {
    List<Integer> targets = targets(configured & RING_MASK, HisiAccNumbers.RING_ALL);
    for (int number : targets) {
      rung |= 1L << number;
    }
    return targets;
  }

  private List<Integer> targets(int target, int all) {
    List<Integer> targets = new ArrayList<>();
    for (int number = 1; number <= functions; number++) {
      if (target == all || target == number) {
        targets.add(number);
      }
    }
    return targets;
  }

  /** A virtual function rings the physical one. */
  void ring(int number) {
    ringing |= 1L << number;
  }

  /** A virtual function acknowledges. */
  void acknowledge(int number) {
    rung &= ~(1L << number);
  }

  /** The physical function acknowledges. */
  void silence(long numbers) {
    ringing &= ~numbers;
  }

  /** Returns whether a function was rung and has not acknowledged. */
  boolean rung(int number) {
    return (rung >>> number & 1) != 0;
  }

  /** Returns whether a function rings and is not acknowledged. */
  boolean ringing(int number) {
    return (ringing >>> number & 1) != 0;
  }

  /** Returns all that were rung, one bit each. */
  long rung() {
    return rung;
  }

  /** Returns all that ring, one bit each. */
  long ringing() {
    return ringing;
  }

  void reset(int number) {
    rung &= ~(1L << number);
    ringing &= ~(1L << number);
  }
}
