package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/** Registers of a function: aligned accesses reach them as they are, others in parts. */
final class HisiAccModelRegion implements Region {

  /** What is behind a region. Called under the chip's lock, with 1, 2, 4, 8 or 16 bytes. */
  interface Registers {

    /** Reads in one access. */
    void read(long offset, ByteBuffer into);

    /** Writes in one access. */
    void write(long offset, ByteBuffer from);
  }

  private static final int MAX_ACCESS_BYTES = 16;

  private final HisiAccChip chip;
  private final int function;
  private final RegionInfo info;
  private final Registers registers;

  HisiAccModelRegion(HisiAccChip chip, int function, int index, long bytes, Registers registers) {
    this.chip = chip;
    this.function = function;
    this.info = new RegionInfo(index, bytes, true, true, false);
    this.registers = registers;
  }

  @Override
  public RegionInfo info() {
    return info;
  }

  @Override
  public void read(long offset, ByteBuffer into) throws MigrationException {
    requireInside(offset, into.remaining());
    chip.run(
        () -> {
          long at = offset;
          while (into.hasRemaining()) {
            int length = accessBytes(at, into.remaining());
            ByteBuffer part = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
            registers.read(at, part);
            part.rewind();
            chip.record(function, info.index(), at, length, false, value(part));
            into.put(part);
            at += length;
          }
        });
  }

  @Override
  public void write(long offset, ByteBuffer from) throws MigrationException {
    requireInside(offset, from.remaining());
    chip.run(
        () -> {
          long at = offset;
          while (from.hasRemaining()) {
            int length = accessBytes(at, from.remaining());
            ByteBuffer part = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
            part.put(from.slice(from.position(), length)).flip();
            from.position(from.position() + length);
            chip.record(function, info.index(), at, length, true, value(part));
            registers.write(at, part);
            at += length;
          }
        });
  }

  @Override
  public Optional<ByteBuffer> map(long offset, int lengthBytes) throws MigrationException {
    requireInside(offset, Math.max(0, lengthBytes));
    return Optional.empty();
  }

  private static int accessBytes(long offset, int remaining) {
    int length = MAX_ACCESS_BYTES;
    while (length > remaining || offset % length != 0) {
      length /= 2;
    }
    return length;
  }

  private static long value(ByteBuffer part) {
    return switch (part.remaining()) {
      case 1 -> part.get(0) & 0xffL;
      case 2 -> part.getShort(0) & 0xffffL;
      case 4 -> part.getInt(0) & 0xffffffffL;
      default -> part.getLong(0);
    };
  }

  private void requireInside(long offset, int length) throws MigrationException {
    if (offset < 0 || offset > info.sizeBytes() || length > info.sizeBytes() - offset) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "an access of %d bytes at 0x%x is not inside the 0x%x bytes of region %d"
              .formatted(length, offset, info.sizeBytes(), info.index()));
    }
  }
}
