package io.vferry.vendor.mlx5.queue;

import io.vferry.vendor.mlx5.command.CreateEq;
import io.vferry.vendor.mlx5.command.Words;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;

/**
 * The events of the physical function. Source: Linux 6.12, {@code
 * drivers/net/ethernet/mellanox/mlx5/core/eq.c}. Guarded by the lock of the command queue.
 */
final class EventQueue {

  /** log2 of the number of entries. */
  static final int LOG_SIZE = 8;

  private static final int ENTRIES = 1 << LOG_SIZE;
  private static final int DATA = 0x20;
  private static final int DATA_BYTES = 28;
  private static final int OWNER_DWORD = 0x3c;
  private static final long UAR_PAGE_BYTES = 4096;
  private static final long DOORBELL_ARM = 0x40;
  private static final VarHandle DWORD =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);

  private final FunctionRegisters registers;
  private final ByteBuffer entries;
  private final long doorbell;
  private int eqn;
  private int consumer;

  /** Prepares the memory, with each entry still the device's. */
  EventQueue(FunctionRegisters registers, DmaMemory memory, int uar) {
    this.registers = registers;
    this.entries = memory.slice(0, ENTRIES * CreateEq.ENTRY_BYTES);
    this.doorbell = uar * UAR_PAGE_BYTES + DOORBELL_ARM;
    for (int entry = 0; entry < ENTRIES; entry++) {
      entries.put(entry * CreateEq.ENTRY_BYTES + CreateEq.ENTRY_BYTES - 1, (byte) 1);
    }
  }

  /** Begins to use the queue under the number the device gave it. */
  void created(int number) throws CommandException {
    eqn = number;
    arm();
  }

  int number() {
    return eqn;
  }

  /** Hands out what came, and asks for an interrupt at the next one. */
  void drain(Consumer<Event> sink) throws CommandException {
    int seen = 0;
    while (seen < ENTRIES) {
      int base = (consumer & ENTRIES - 1) * CreateEq.ENTRY_BYTES;
      int owner = (int) DWORD.getAcquire(entries, base + OWNER_DWORD) & 1;
      if (owner != (consumer >>> LOG_SIZE & 1)) {
        break;
      }
      ByteBuffer data = ByteBuffer.allocate(DATA_BYTES);
      data.put(0, entries, base + DATA, DATA_BYTES);
      Event event = new Event(Byte.toUnsignedInt(entries.get(base + 1)), new Words(data));
      consumer++;
      seen++;
      sink.accept(event);
    }
    if (seen > 0) {
      arm();
    }
  }

  private void arm() throws CommandException {
    registers.write(doorbell, (eqn << 24) | (consumer & 0xffffff));
  }
}
