package io.vferry.vendor.hisiacc.model;

import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import io.vferry.vendor.hisiacc.registers.HisiAccPfRegister;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The registers of the physical function, with the windows of the virtual ones. */
final class HisiAccPfWords extends HisiAccWords {

  private final HisiAccChip chip;
  private final HisiAccVfWords own;
  private final List<HisiAccVfWords> windows = new ArrayList<>();

  HisiAccPfWords(HisiAccChip chip) {
    this.chip = chip;
    this.own = new HisiAccVfWords(chip, chip.function(HisiAccChip.PHYSICAL), false);
    for (int number = 1; number <= chip.settings().functions(); number++) {
      windows.add(new HisiAccVfWords(chip, chip.function(number), true));
    }
  }

  @Override
  public void read(long offset, ByteBuffer into) {
    HisiAccVfWords window = window(offset);
    if (window != null) {
      window.read(inWindow(offset), into);
    } else if (ofQueueManager(offset)) {
      own.read(offset, into);
    } else {
      super.read(offset, into);
    }
  }

  @Override
  public void write(long offset, ByteBuffer from) {
    HisiAccVfWords window = window(offset);
    if (window != null) {
      window.write(inWindow(offset), from);
    } else if (ofQueueManager(offset)) {
      own.write(offset, from);
    } else {
      super.write(offset, from);
    }
  }

  /** The physical function has queues of its own, with the same registers as any function. */
  private static boolean ofQueueManager(long offset) {
    return offset < HisiAccNumbers.VF_BAR_BYTES && offset != HisiAccPfRegister.QUE_ISO_CFG.offset();
  }

  private @Nullable HisiAccVfWords window(long offset) {
    long number = (offset - HisiAccNumbers.WINDOWS) / HisiAccNumbers.WINDOW_BYTES;
    return chip.settings().windows()
            && offset >= HisiAccNumbers.WINDOWS
            && number >= 1
            && number <= windows.size()
        ? windows.get((int) number - 1)
        : null;
  }

  private static long inWindow(long offset) {
    return (offset - HisiAccNumbers.WINDOWS) % HisiAccNumbers.WINDOW_BYTES;
  }

  @Override
  int word(long offset) {
    return chip.readPf(offset);
  }

  @Override
  void word(long offset, int value) {
    chip.writePf(offset, value);
  }
}
