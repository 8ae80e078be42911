package io.vferry.vendor.hisiacc.model;

import java.nio.ByteBuffer;

/** A task in flight. Under the chip's lock. */
final class HisiAccTask {

  /** What has happened to it. */
  enum Stage {
    /** It was read from the submission queue. */
    FETCHED,
    /** It has been worked on; nothing is to be seen yet. */
    WORKED,
    /** Its result is in memory. */
    WRITTEN,
    /** It is in the completion queue. */
    COMPLETED,
    /** It is in the event queue, if that was asked for. */
    TOLD
  }

  final int index;
  final ByteBuffer entry;
  Stage stage = Stage.FETCHED;
  int ticksLeft;

  HisiAccTask(int index, ByteBuffer entry, int ticks) {
    this.index = index;
    this.entry = entry;
    this.ticksLeft = ticks;
  }
}
