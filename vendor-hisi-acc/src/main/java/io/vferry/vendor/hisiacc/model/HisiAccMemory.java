package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.host.DmaSpace.Direction;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/** Memory as a function reaches it: faults are errors of the chip, writes are logged. */
final class HisiAccMemory {

  /** Is told of an access to nowhere. */
  @FunctionalInterface
  interface FaultListener {
    void fault(long address, boolean write);
  }

  private final HisiAccDmaSpace space;
  private final HisiAccIommuLog log;
  private final FaultListener faults;

  HisiAccMemory(HisiAccDmaSpace space, HisiAccIommuLog log, FaultListener faults) {
    this.space = space;
    this.log = log;
    this.faults = faults;
  }

  /** Reads a copy, or null after a fault. */
  @Nullable ByteBuffer read(long address, int length) {
    ByteBuffer memory = space.memory(address, length, Direction.READ);
    if (memory == null) {
      faults.fault(address, false);
      return null;
    }
    return ByteBuffer.allocate(length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(memory)
        .flip()
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Writes; returns whether it arrived. */
  boolean write(long address, ByteBuffer bytes) {
    int length = bytes.remaining();
    ByteBuffer memory = space.memory(address, length, Direction.WRITE);
    if (memory == null) {
      faults.fault(address, true);
      return false;
    }
    memory.put(bytes.duplicate());
    log.written(address, length);
    return true;
  }
}
