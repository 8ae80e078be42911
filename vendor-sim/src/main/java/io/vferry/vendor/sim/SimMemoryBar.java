package io.vferry.vendor.sim;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;

/**
 * BAR 0 of a device with local memory: the registers, a hole that reads 0, and in the upper half
 * the memory, the only part that can be mapped. The memory is there in each state: a store through
 * a mapping cannot be dropped either.
 */
final class SimMemoryBar extends SimRegion {

  private final SimGuestBar registers;
  private final SimLocalMemory memory;

  SimMemoryBar(SimGuestBar registers, SimLocalMemory memory) {
    super(SimRegisters.GUEST_BAR, memory.start() + memory.bytes(), true);
    this.registers = registers;
    this.memory = memory;
  }

  private interface Piece {
    void access(int offset, ByteBuffer bytes) throws MigrationException;
  }

  @Override
  void load(int offset, ByteBuffer into) throws MigrationException {
    split(
        offset,
        into,
        registers::load,
        (at, hole) -> hole.put(new byte[hole.remaining()]),
        memory::read);
  }

  @Override
  void store(int offset, ByteBuffer from) throws MigrationException {
    split(offset, from, registers::store, (at, hole) -> hole.position(hole.limit()), memory::write);
  }

  private void split(int offset, ByteBuffer bytes, Piece toRegisters, Piece toHole, Piece toMemory)
      throws MigrationException {
    int end = offset + bytes.remaining();
    int at = piece(offset, 0, SimRegisters.GUEST_BAR_BYTES, end, bytes, toRegisters);
    at = piece(at, SimRegisters.GUEST_BAR_BYTES, memory.start(), end, bytes, toHole);
    piece(at, memory.start(), memory.start() + memory.bytes(), end, bytes, toMemory);
  }

  /** Does what lies inside one part; returns where the next part has to begin. */
  private static int piece(
      int at, int partStart, int partEnd, int end, ByteBuffer bytes, Piece piece)
      throws MigrationException {
    int length = Math.min(end, partEnd) - at;
    if (length <= 0) {
      return at;
    }
    int limit = bytes.limit();
    piece.access(at - partStart, bytes.limit(bytes.position() + length));
    bytes.limit(limit);
    return at + length;
  }

  @Override
  public List<MemoryRange> mappableParts() {
    return List.of(new MemoryRange(memory.start(), memory.bytes()));
  }

  @Override
  Optional<ByteBuffer> mapped(int offset, int lengthBytes) throws MigrationException {
    return offset < memory.start()
        ? Optional.empty()
        : Optional.of(memory.map(offset - memory.start(), lengthBytes));
  }
}
