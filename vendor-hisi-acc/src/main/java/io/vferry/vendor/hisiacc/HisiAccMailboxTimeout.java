package io.vferry.vendor.hisiacc;

import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;

/** How long a mailbox command may take: the device's own limits, as Linux 7.3 waits for them. */
enum HisiAccMailboxTimeout {
  /** Reads or writes a few registers. */
  ORDINARY(1_000_000_000L),
  /** Ends when the work of a queue or of a function has ended. */
  DRAIN(5_000_000_000L);

  private final long nanos;

  HisiAccMailboxTimeout(long nanos) {
    this.nanos = nanos;
  }

  long nanos() {
    return nanos;
  }

  /** Returns the limit of the command in a first word. */
  static HisiAccMailboxTimeout of(int word) {
    return switch (word & HisiAccNumbers.MAILBOX_COMMAND_MASK) {
      case HisiAccNumbers.COMMAND_STOP_QUEUE,
          HisiAccNumbers.COMMAND_FLUSH,
          HisiAccNumbers.COMMAND_PAUSE ->
          DRAIN;
      default -> ORDINARY;
    };
  }
}
