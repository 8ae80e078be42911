package io.vferry.compat.v1;

import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.BitSet;

/** A load stream that is fed with what a client stores in the data window. */
final class LoadingSession {

  private final LoadStream stream;
  private final ByteBuffer window;
  private final WaitLimit limit;
  private final V1RegionSettings settings;

  /** How much was stored in this iteration without a gap from the window's start. */
  private int storedBytes;

  /** What was stored behind a gap. */
  private final BitSet behindGap = new BitSet();

  LoadingSession(LoadStream stream, ByteBuffer window, WaitLimit limit, V1RegionSettings settings) {
    this.stream = stream;
    this.window = window;
    this.limit = limit;
    this.settings = settings;
  }

  /** Stores a part of a chunk; in any order. */
  void store(long windowOffset, ByteBuffer from) {
    int begin = (int) windowOffset;
    int end = begin + from.remaining();
    window.duplicate().clear().position(begin).put(from);
    if (begin > storedBytes) {
      behindGap.set(begin, end);
      return;
    }
    storedBytes = Math.max(storedBytes, end);
    if (!behindGap.isEmpty()) {
      storedBytes = behindGap.nextClearBit(storedBytes);
    }
  }

  /** Gives what was stored to the device, which has taken it when this returns. */
  void take(long lengthBytes) throws MigrationException {
    if (lengthBytes < 0 || lengthBytes > settings.windowBytes()) {
      throw V1Errno.invalid(
          "data_size %s is written, and the data window has %d bytes"
              .formatted(Long.toUnsignedString(lengthBytes), settings.windowBytes()));
    }
    // Nobody sees what is stored through a mapping.
    if (!settings.mapped() && lengthBytes > storedBytes) {
      throw V1Errno.invalid(
          "data_size %d is written, and %d bytes were stored in the data window since the last time"
                  .formatted(lengthBytes, storedBytes)
              + "; store the data first");
    }
    storedBytes = 0;
    behindGap.clear();
    if (lengthBytes == 0) {
      return;
    }
    ByteBuffer chunk = window.duplicate().clear().limit((int) lengthBytes);
    limit.ending(
        "a write of the device's data, whose session it ends,",
        stream::close,
        () -> {
          stream.write(chunk);
          return chunk;
        });
  }

  void close() {
    stream.close();
  }
}
