package io.vferry.vendor.hisiacc.model;

import java.util.List;

/**
 * What a function keeps of the contexts of its queues, and the command that writes it back to
 * memory. Under the chip's lock.
 */
final class HisiAccContextCache {

  private final HisiAccChip chip;
  private final HisiAccQuirks quirks;
  private final HisiAccPause pause;
  private boolean lost;
  private int writeBackPollsLeft;
  private boolean writeBackDone;

  HisiAccContextCache(HisiAccChip chip, HisiAccQuirks quirks, HisiAccPause pause) {
    this.chip = chip;
    this.quirks = quirks;
    this.pause = pause;
  }

  void reset() {
    lost = false;
    writeBackDone = false;
  }

  /** Whether contexts were lost before they were written back. */
  boolean lost() {
    return lost;
  }

  /** The contexts are elsewhere from now on. */
  void moved() {
    lost = false;
  }

  /** A cache that was not written back is not kept for ever. */
  void age(List<HisiAccQueue> queues) {
    if (pause.longerThan(quirks.cacheKeptNanos, chip.now())) {
      for (HisiAccQueue queue : queues) {
        lost |= queue.dropCache();
      }
    }
  }

  /** Begins to write all of it back. */
  void writeBack(List<HisiAccQueue> queues) {
    age(queues);
    writeBackDone = false;
    writeBackPollsLeft = quirks.writeBackPolls;
    if (quirks.writeBackNeverEnds) {
      return;
    }
    for (HisiAccQueue queue : queues) {
      if (lost) {
        queue.writeBackNothing();
      } else {
        queue.writeBack();
        if (quirks.writeBackDropsCache) {
          queue.dropCache();
        }
      }
    }
  }

  /** Returns whether that has ended; asked once for each poll. */
  boolean writtenBack() {
    if (quirks.writeBackNeverEnds) {
      return false;
    }
    if (!writeBackDone && writeBackPollsLeft-- <= 0) {
      writeBackDone = true;
    }
    return writeBackDone;
  }
}
