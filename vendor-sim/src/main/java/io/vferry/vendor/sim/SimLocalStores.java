package io.vferry.vendor.sim;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * How the guest's driver uses the device's local memory: it stores numbered words one after the
 * other, and begins again at the start when it is at the end. It stores without asking the device
 * where it can map the memory.
 */
final class SimLocalStores {

  private final Region bar;
  private final int bytes;
  private final Optional<ByteBuffer> mapped;

  /**
   * Begins to use the memory.
   *
   * @param bar with the memory in its upper half
   * @param bytes of the memory, at least one word
   */
  SimLocalStores(Region bar, int bytes) throws MigrationException {
    this.bar = bar;
    this.bytes = bytes;
    this.mapped = bar.map(bytes, bytes).map(memory -> memory.order(ByteOrder.LITTLE_ENDIAN));
  }

  /** Stores zeros everywhere. */
  void clear() throws MigrationException {
    if (mapped.isPresent()) {
      mapped.get().duplicate().put(new byte[bytes]);
    } else {
      bar.write(bytes, ByteBuffer.allocate(bytes));
    }
  }

  /**
   * Stores one word.
   *
   * @param number from 1
   */
  void store(long tag, long number) throws MigrationException {
    int at = (int) ((number - 1) % (bytes / Long.BYTES)) * Long.BYTES;
    if (mapped.isPresent()) {
      mapped.get().putLong(at, word(tag, number));
    } else {
      new SimRegisterAccess(bar).set(bytes + at, word(tag, number));
    }
  }

  /** Reads all of it as the device sees it. */
  ByteBuffer content() throws MigrationException {
    ByteBuffer content = ByteBuffer.allocate(bytes);
    bar.read(bytes, content);
    return content.flip();
  }

  /** Returns the first offset that does not hold what so many stores leave, or -1. */
  static int wrong(ByteBuffer content, long tag, long stores) {
    ByteBuffer words = content.slice().order(ByteOrder.LITTLE_ENDIAN);
    int slots = words.capacity() / Long.BYTES;
    for (int slot = 0; slot < slots; slot++) {
      if (words.getLong(slot * Long.BYTES) != left(slot, slots, tag, stores)) {
        return slot * Long.BYTES;
      }
    }
    return -1;
  }

  /** Returns the digests, as the {@link SimLedger} has them, of what so many stores leave. */
  static long[] digests(int bytes, long tag, long stores) {
    long[] digests = new long[SimLedger.DIGESTS];
    int slots = bytes / Long.BYTES;
    for (int slot = 0; slot < slots; slot++) {
      digests[slot % SimLedger.DIGESTS] += SimLedger.digest(slot, left(slot, slots, tag, stores));
    }
    return digests;
  }

  private static long left(int slot, int slots, long tag, long stores) {
    long number = slot + 1 + Math.floorDiv(stores - 1 - slot, (long) slots) * slots;
    return number < 1 ? 0 : word(tag, number);
  }

  private static long word(long tag, long number) {
    return SimPattern.mix(SimPattern.mix(tag) + number);
  }
}
