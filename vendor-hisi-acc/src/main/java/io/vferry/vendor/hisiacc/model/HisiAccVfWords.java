package io.vferry.vendor.hisiacc.model;

import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;
import java.nio.ByteBuffer;

/**
 * The registers of a virtual function, in its own BAR or in its window in the physical function.
 */
final class HisiAccVfWords extends HisiAccWords {

  private static final int CONTEXT_BYTES = HisiAccNumbers.EVENT_CONTEXT_WORDS * Integer.BYTES;

  private final HisiAccChip chip;
  private final HisiAccFunctionModel function;
  private final boolean window;

  HisiAccVfWords(HisiAccChip chip, HisiAccFunctionModel function, boolean window) {
    this.chip = chip;
    this.function = function;
    this.window = window;
  }

  @Override
  public void read(long offset, ByteBuffer into) {
    if (mailbox(offset)) {
      into.put(
          chip.mailbox()
              .read(function, (int) offset - HisiAccVfRegister.MAILBOX.offset(), into.remaining()));
      return;
    }
    super.read(offset, into);
  }

  @Override
  public void write(long offset, ByteBuffer from) {
    if (mailbox(offset)) {
      chip.mailbox().write(function, (int) offset - HisiAccVfRegister.MAILBOX.offset(), from);
    } else if (offset == HisiAccNumbers.QUEUE_DOORBELL
        || (offset == HisiAccNumbers.EVENT_DOORBELL && !window)) {
      if (from.remaining() == Long.BYTES) {
        function.doorbell(from.getLong(from.position()));
        chip.work();
      } else {
        function.violation("a doorbell of %d bytes".formatted(from.remaining()));
      }
    } else {
      super.write(offset, from);
    }
  }

  private static boolean mailbox(long offset) {
    int start = HisiAccVfRegister.MAILBOX.offset();
    return offset >= start && offset < start + HisiAccNumbers.MAILBOX_BYTES;
  }

  /** Whether the second half of the own BAR is empty, since the windows have what was there. */
  private boolean hidden(long offset) {
    return !window && chip.settings().windows() && offset >= HisiAccNumbers.VF_BAR_BYTES / 2;
  }

  @Override
  int word(long offset) {
    if (hidden(offset)) {
      return -1;
    }
    int eqc = window ? HisiAccNumbers.WINDOW_EQC : HisiAccNumbers.VF_EQC;
    int aeqc = window ? HisiAccNumbers.WINDOW_AEQC : HisiAccNumbers.VF_AEQC;
    if (inContext(offset, eqc)) {
      return function.events().queue(false).word((int) (offset - eqc) / Integer.BYTES);
    }
    if (inContext(offset, aeqc)) {
      return function.events().queue(true).word((int) (offset - aeqc) / Integer.BYTES);
    }
    return function.registers().read(offset);
  }

  @Override
  void word(long offset, int value) {
    if (hidden(offset)) {
      return;
    }
    int eqc = window ? HisiAccNumbers.WINDOW_EQC : HisiAccNumbers.VF_EQC;
    int aeqc = window ? HisiAccNumbers.WINDOW_AEQC : HisiAccNumbers.VF_AEQC;
    if (inContext(offset, eqc)) {
      function.events().queue(false).word((int) (offset - eqc) / Integer.BYTES, value);
    } else if (inContext(offset, aeqc)) {
      function.events().queue(true).word((int) (offset - aeqc) / Integer.BYTES, value);
    } else {
      function.registers().write(offset, value);
    }
  }

  private static boolean inContext(long offset, int start) {
    return offset >= start && offset < start + CONTEXT_BYTES;
  }
}
