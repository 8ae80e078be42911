package io.vferry.vendor.hisiacc;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.RegionWrite;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * The registers of a virtual function, wherever they are placed; nothing is written past a reset.
 */
final class HisiAccVf {

  private final HisiAccRegion own;
  private final HisiAccRegion placed;
  private final HisiAccPlacement placement;
  private final HisiAccFence fence;

  /**
   * Takes the registers.
   *
   * @param own BAR 2 of the virtual function
   * @param placed BAR 2 of the function in which the placement is
   */
  HisiAccVf(
      HisiAccRegion own, HisiAccRegion placed, HisiAccPlacement placement, HisiAccFence fence) {
    this.own = own;
    this.placed = placed;
    this.placement = placement;
    this.fence = fence;
  }

  /** Has the device discard doorbells, or not, around a reset. */
  void discardDoorbells(boolean discard) throws MigrationException {
    placed.write(placement.base() + HisiAccVfRegister.FUN_DB_DROP.offset(), discard ? 1 : 0);
  }

  int read(HisiAccVfRegister register) throws MigrationException {
    if (register.offset() >= HisiAccNumbers.WINDOW_BYTES) {
      // From a window this would be a register of the next function.
      return own.read(register.offset());
    }
    return placed.read(placement.base() + register.offset());
  }

  void write(HisiAccVfRegister register, int value) throws MigrationException {
    fence.requireWhole();
    placed.write(placement.base() + register.offset(), value);
  }

  int[] readEqc() throws MigrationException {
    return readContext(placement.eqc());
  }

  int[] readAeqc() throws MigrationException {
    return readContext(placement.aeqc());
  }

  private int[] readContext(int offset) throws MigrationException {
    int[] words = new int[HisiAccNumbers.EVENT_CONTEXT_WORDS];
    for (int word = 0; word < words.length; word++) {
      words[word] = placed.read(placement.base() + offset + (long) word * Integer.BYTES);
    }
    return words;
  }

  /** Several writes to the registers, done one after the other in the order in which they came. */
  final class Run {
    private final List<RegionWrite> writes = new ArrayList<>();

    private Run() {}

    Run write(HisiAccVfRegister register, int value) {
      return add(register.offset(), value);
    }

    Run eqc(int[] words) {
      return context(placement.eqc(), words);
    }

    Run aeqc(int[] words) {
      return context(placement.aeqc(), words);
    }

    private Run context(int offset, int[] words) {
      for (int word = 0; word < words.length; word++) {
        add(offset + word * Integer.BYTES, words[word]);
      }
      return this;
    }

    private Run add(int offset, int value) {
      writes.add(HisiAccRegion.ofWord(placement.base() + offset, value));
      return this;
    }

    /** Does them. */
    void done() throws MigrationException {
      writeAll(placed, writes);
    }
  }

  /** Begins several writes. */
  Run run() {
    return new Run();
  }

  /** Writes as many at a time as nothing can come between. */
  private void writeAll(HisiAccRegion registers, List<RegionWrite> writes)
      throws MigrationException {
    int atOnce = registers.region().writesAtOnce();
    for (int from = 0; from < writes.size(); from += atOnce) {
      fence.requireWhole();
      int to = Math.min(writes.size(), from + atOnce);
      registers.region().writeAll(writes.subList(from, to));
    }
  }

  /** Reads all of the mailbox in one access. */
  ByteBuffer readMailbox() throws MigrationException {
    ByteBuffer words =
        ByteBuffer.allocate(HisiAccNumbers.MAILBOX_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    placed.region().read(mailbox(), words);
    return words.flip().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Writes all of the mailbox in one access, which starts the command. */
  void writeMailbox(int command, long data) throws MigrationException {
    fence.requireWhole();
    placed
        .region()
        .write(
            mailbox(),
            ByteBuffer.allocate(HisiAccNumbers.MAILBOX_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(command)
                .putLong(data)
                .putInt(0)
                .flip());
  }

  private long mailbox() {
    return placement.base() + HisiAccVfRegister.MAILBOX.offset();
  }

  /** Kicks submission queues, from the first on: each goes on where its context says. */
  void kick(int queues) throws MigrationException {
    List<RegionWrite> kicks = new ArrayList<>();
    for (int queue = 0; queue < queues; queue++) {
      kicks.add(
          HisiAccRegion.ofLong(
              HisiAccNumbers.QUEUE_DOORBELL, doorbell(HisiAccNumbers.DOORBELL_SQ, queue, 0, 1)));
    }
    writeAll(own, kicks);
  }

  /**
   * Makes the device look again for events beyond the head, and tell of them. Always through the
   * function's own BAR: from a window of the physical function this doorbell would be the first
   * register of the next function.
   */
  void ringEvents(int kind, int head) throws MigrationException {
    writeAll(
        own,
        List.of(HisiAccRegion.ofLong(HisiAccNumbers.EVENT_DOORBELL, doorbell(kind, 0, head, 0))));
  }

  private static long doorbell(int kind, int queue, int index, int priority) {
    return queue
        | (long) kind << HisiAccNumbers.DOORBELL_KIND_SHIFT
        | (index & 0xffffL) << HisiAccNumbers.DOORBELL_INDEX_SHIFT
        | (long) priority << HisiAccNumbers.DOORBELL_PRIORITY_SHIFT;
  }
}
