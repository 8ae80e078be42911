package io.vferry.host.linux.user.server;

import io.vferry.host.linux.user.wire.LoggingReportFeature;
import io.vferry.host.linux.user.wire.LoggingStartFeature;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The device's log of its DMA, on behalf of a client. */
final class LoggingSession {

  /** The smallest page that the kernel accepts as well. */
  private static final long SMALLEST_PAGE = 4096;

  private final DmaLog log;
  private final DmaTable mapped;
  private boolean on;
  private long askedPageBytes;
  private long usedPageBytes;

  LoggingSession(DmaLog log, DmaTable mapped) {
    this.log = log;
    this.mapped = mapped;
  }

  /** Starts the log, or does nothing if it is on in this way; returns the page size it has. */
  long start(LoggingStartFeature wish) throws Refusal {
    checkPage(wish.pageSize());
    if (on) {
      if (wish.pageSize() != askedPageBytes) {
        throw Refusal.invalid(
            "the log is on with pages of %d bytes, not %d"
                .formatted(askedPageBytes, wish.pageSize()));
      }
      return usedPageBytes;
    }
    List<MemoryRange> ranges = new ArrayList<>();
    for (LoggingStartFeature.Range range : wish.ranges()) {
      ranges.add(range(range.iova(), range.length()));
    }
    // Other than in the kernel, no range means all memory.
    if (ranges.isEmpty()) {
      ranges.addAll(mapped.ranges());
    }
    if (ranges.isEmpty()) {
      throw Refusal.invalid("there is no memory whose changes could be logged");
    }
    try {
      usedPageBytes = log.start(ranges, wish.pageSize());
    } catch (MigrationException e) {
      throw Refusal.of(e);
    }
    on = true;
    askedPageBytes = wish.pageSize();
    return usedPageBytes;
  }

  private static void checkPage(long pageBytes) throws Refusal {
    if (Long.bitCount(pageBytes) != 1 || pageBytes < SMALLEST_PAGE) {
      throw Refusal.invalid(
          "pages of %s bytes cannot be logged".formatted(Long.toUnsignedString(pageBytes)));
    }
  }

  private static MemoryRange range(long start, long length) throws Refusal {
    try {
      return new MemoryRange(start, length);
    } catch (IllegalArgumentException e) {
      throw Refusal.invalid(String.valueOf(e.getMessage()));
    }
  }

  void stop() throws Refusal {
    if (on) {
      on = false;
      try {
        log.stop();
      } catch (MigrationException e) {
        throw Refusal.of(e);
      }
    }
  }

  /** Returns the words of the bitmap, whose size the caller has checked. */
  ByteBuffer report(LoggingReportFeature question) throws Refusal {
    checkPage(question.pageSize());
    if (!on) {
      throw Refusal.invalid("the log is off");
    }
    DirtyBitmap bitmap =
        new DirtyBitmap(range(question.iova(), question.length()), question.pageSize());
    try {
      log.report(bitmap);
    } catch (MigrationException e) {
      throw Refusal.of(e);
    }
    return bitmap.words();
  }

  /** Turns the log off; returns the failure, if any. */
  @Nullable Refusal end() {
    try {
      stop();
      return null;
    } catch (Refusal e) {
      return e;
    }
  }
}
