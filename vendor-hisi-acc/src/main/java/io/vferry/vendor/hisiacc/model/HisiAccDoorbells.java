package io.vferry.vendor.hisiacc.model;

import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import java.nio.ByteBuffer;

/** The doorbell pages of a function's queues: the same doorbells, a page for each queue. */
record HisiAccDoorbells(HisiAccChip chip, HisiAccFunctionModel function)
    implements HisiAccModelRegion.Registers {

  @Override
  public void read(long offset, ByteBuffer into) {
    while (into.hasRemaining()) {
      into.put((byte) 0);
    }
  }

  @Override
  public void write(long offset, ByteBuffer from) {
    if (offset % HisiAccNumbers.DOORBELL_PAGE_BYTES == HisiAccNumbers.QUEUE_DOORBELL
        && from.remaining() == Long.BYTES) {
      function.doorbell(from.getLong(from.position()));
      chip.work();
    }
  }
}
