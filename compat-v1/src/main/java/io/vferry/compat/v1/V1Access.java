package io.vferry.compat.v1;

import io.vferry.spi.memory.MemoryRange;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** One access of a v1 client, as recorded. */
public sealed interface V1Access {

  /** Returns the errno with which it failed, or empty if it succeeded. */
  OptionalInt errno();

  /**
   * A read of a whole field.
   *
   * @param value what was read, if it was recorded
   */
  record ReadField(V1Field field, OptionalLong value, OptionalInt errno) implements V1Access {}

  /** A write of a whole field. */
  record WriteField(V1Field field, long value, OptionalInt errno) implements V1Access {}

  /**
   * A read of data.
   *
   * @param offset in the region
   * @param lengthBytes at least 1
   */
  record ReadData(long offset, long lengthBytes, OptionalInt errno) implements V1Access {}

  /**
   * A store of data.
   *
   * @param offset in the region
   * @param lengthBytes at least 1
   */
  record WriteData(long offset, long lengthBytes, OptionalInt errno) implements V1Access {}

  /** An access to the header that meets no whole field. */
  record Misfit(boolean write, long offset, long lengthBytes, OptionalInt errno)
      implements V1Access {}

  /** A reset of the device. */
  record Reset(OptionalInt errno) implements V1Access {}

  /** A start of the container's dirty tracking. */
  record DirtyStart(OptionalInt errno) implements V1Access {}

  /** A stop of the container's dirty tracking. */
  record DirtyStop(OptionalInt errno) implements V1Access {}

  /** A query of the container's dirty pages; with {@code unmap}, the range is unmapped as well. */
  record DirtyBitmap(boolean unmap, MemoryRange iova, OptionalInt errno) implements V1Access {}
}
