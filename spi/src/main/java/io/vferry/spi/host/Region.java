package io.vferry.spi.host;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;

/**
 * Registers or memory of a device.
 *
 * <p>An access of 1, 2, 4, 8 or 16 bytes at a multiple of its length reaches the device as one
 * access where the host can do it, otherwise as accesses of the largest width it can do, in
 * ascending order. Longer ones are split in an order not said. Bytes are as they lie in the region;
 * whether registers are little or big endian is the device's business.
 */
public interface Region {

  /** Describes this region. */
  RegionInfo info();

  /**
   * Reads as many bytes as {@code into} has room for.
   *
   * @param offset from the start of the region
   * @throws MigrationException {@code BAD_REQUEST} if the access is not wholly inside, {@code
   *     ACCESS_DENIED} if the device's state forbids it, {@code IO_FAILED} otherwise
   */
  void read(long offset, ByteBuffer into) throws MigrationException;

  /**
   * Writes the remaining bytes of {@code from}.
   *
   * @param offset from the start of the region
   * @throws MigrationException as {@link #read}
   */
  void write(long offset, ByteBuffer from) throws MigrationException;

  /**
   * Returns how many writes {@link #writeAll} hands to the device in one step.
   *
   * @return 1 or more; 1 where an access costs little, as it does through a mapping
   * @since 1.1
   */
  default int writesAtOnce() {
    return 1;
  }

  /**
   * Writes several times, one write after the other in the order given, each an access of its own
   * as by {@link #write}. Where an access is a message to another process, up to {@link
   * #writesAtOnce} of them are one message. A driver that has to look at something between two
   * writes, such as whether its device was reset meanwhile, hands over no more than that at a time.
   *
   * @throws MigrationException as {@link #write}, of the first write that failed: those before it
   *     were done, those after it were not. If it says {@code DEVICE_LOST} nobody knows
   * @since 1.1
   */
  default void writeAll(List<RegionWrite> writes) throws MigrationException {
    for (RegionWrite write : writes) {
      write(write.offset(), write.bytes());
    }
  }

  /**
   * Returns the parts that can be mapped, in bytes from the start of the region, ascending and
   * apart from each other. Whoever passes a device on to somebody else, for example to another
   * process, says with it what can be touched without a call; all else needs {@link #read} and
   * {@link #write}.
   *
   * @since 1.1
   */
  default List<MemoryRange> mappableParts() {
    return info().mappable() ? List.of(new MemoryRange(0, info().sizeBytes())) : List.of();
  }

  /**
   * Maps a part of the region.
   *
   * @return direct memory that is the region itself, or empty if that part cannot be mapped; valid
   *     until the device is closed
   * @throws MigrationException as {@link #read}
   */
  Optional<ByteBuffer> map(long offset, int lengthBytes) throws MigrationException;
}
