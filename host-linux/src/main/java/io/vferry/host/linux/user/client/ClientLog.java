package io.vferry.host.linux.user.client;

import io.vferry.host.linux.LoggedRanges;
import io.vferry.host.linux.VfioUapi;
import io.vferry.host.linux.syscall.Errno;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.FeatureMessage;
import io.vferry.host.linux.user.wire.LoggingReportFeature;
import io.vferry.host.linux.user.wire.LoggingStartFeature;
import io.vferry.host.linux.user.wire.Payload;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The log of a device's DMA. What the server writes into a file it logs itself; what it asks this
 * side to write is logged here, as servers do not count that (libvfio-user, {@code lib/dma.c}).
 *
 * <p>libvfio-user wants a report to begin where a mapping begins, in the page size that the log was
 * started with: with another one its bitmap is wrong, or it never answers. It ends itself if the
 * log is started while nothing is mapped. So the server is asked for each mapping as a whole, and
 * only while it has one; what was not asked for is remembered here.
 */
final class ClientLog implements DmaLog {

  private static final long SMALLEST_PAGE_BYTES = 4096;

  /** More ranges than this are told as "everything". */
  private static final int LARGEST_RANGES = 256;

  /** Something that is mapped. */
  private static final class Mapped {
    final boolean byFile;
    final DirtyBitmap written;

    /** Whether the server has it in its log: it was mapped when the log was started. */
    boolean logged;

    Mapped(MemoryRange iova, boolean byFile, long pageBytes) {
      this.byFile = byFile;
      this.written = new DirtyBitmap(iova, pageBytes);
    }
  }

  private final String server;
  private final ClientChannel channel;
  private final int bitmapBytes;
  private final boolean serverLogs;

  /** Guarded by {@code this}, which is not held while the server is asked. */
  private final Map<Long, Mapped> byStart = new TreeMap<>(Long::compareUnsigned);

  private boolean on;
  private boolean serverOn;
  private long pageBytes = SMALLEST_PAGE_BYTES;

  /**
   * Creates one that is off.
   *
   * @param bitmapBytes the largest bitmap that the server may send
   * @param serverLogs whether the server offers to log
   */
  ClientLog(String server, ClientChannel channel, int bitmapBytes, boolean serverLogs) {
    this.server = server;
    this.channel = channel;
    this.bitmapBytes = bitmapBytes & -Long.BYTES;
    this.serverLogs = serverLogs;
  }

  /** Whether everything that is mapped can be logged. */
  boolean possible() {
    return serverLogs;
  }

  /** Says that memory is about to be mapped. */
  synchronized void add(MemoryRange iova, boolean byFile) {
    Mapped mapped = new Mapped(iova, byFile, pageBytes);
    if (on) {
      mapped.written.markAll();
    }
    byStart.put(iova.start(), mapped);
  }

  /** Says that memory is unmapped; what was written in it is forgotten with it. */
  synchronized void remove(MemoryRange iova) {
    byStart.remove(iova.start());
  }

  /** Says that the server had this side write. */
  synchronized void written(MemoryRange range) {
    if (on) {
      byStart.values().forEach(mapped -> mapped.written.mark(range));
    }
  }

  @Override
  public long start(List<MemoryRange> iovaRanges, long pageSizeBytes) throws MigrationException {
    if (iovaRanges.isEmpty()
        || Long.bitCount(pageSizeBytes) != 1
        || pageSizeBytes < SMALLEST_PAGE_BYTES) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "vfio-user server %s cannot log %d ranges in pages of %d bytes"
              .formatted(server, iovaRanges.size(), pageSizeBytes));
    }
    boolean ask;
    synchronized (this) {
      if (on) {
        throw new MigrationException(
            DeviceError.WRONG_STATE, "vfio-user server %s logs its DMA already".formatted(server));
      }
      byStart.values().forEach(mapped -> mapped.logged = mapped.byFile);
      ask = byStart.values().stream().anyMatch(mapped -> mapped.logged);
    }
    long used = ask ? startServer(iovaRanges, pageSizeBytes) : pageSizeBytes;
    synchronized (this) {
      on = true;
      serverOn = ask;
      pageBytes = used;
      for (Map.Entry<Long, Mapped> entry : byStart.entrySet()) {
        Mapped mapped = entry.getValue();
        Mapped anew = new Mapped(mapped.written.range(), mapped.byFile, used);
        anew.logged = mapped.logged;
        entry.setValue(anew);
      }
    }
    return used;
  }

  private long startServer(List<MemoryRange> iovaRanges, long pageSizeBytes)
      throws MigrationException {
    List<LoggingStartFeature.Range> ranges = new ArrayList<>();
    for (MemoryRange range : LoggedRanges.wholePages(iovaRanges, pageSizeBytes)) {
      ranges.add(new LoggingStartFeature.Range(range.start(), range.length()));
    }
    // None means all.
    LoggingStartFeature wish =
        new LoggingStartFeature(pageSizeBytes, ranges.size() > LARGEST_RANGES ? List.of() : ranges);
    try {
      long used =
          channel.ask(
              feature(VfioUapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_START, FeatureMessage.SET, wish),
              incoming ->
                  LoggingStartFeature.decode(FeatureMessage.decode(incoming.body()).data())
                      .pageSize());
      if (Long.bitCount(used) != 1 || used < SMALLEST_PAGE_BYTES) {
        stopServer();
        throw new MigrationException(
            DeviceError.DMA_LOG_FAILED,
            "vfio-user server %s logs its DMA in pages of %d bytes, which is no page size"
                .formatted(server, used));
      }
      return used;
    } catch (KernelError e) {
      throw e.as(
          switch (e.errno()) {
            case Errno.ENOMEM, Errno.ENOSPC, Errno.E2BIG -> DeviceError.OUT_OF_RESOURCES;
            default -> DeviceError.DMA_LOG_FAILED;
          },
          "vfio-user server %s cannot log its DMA".formatted(server));
    }
  }

  private static Request feature(int feature, int direction, Payload data) {
    return Request.of(Command.DEVICE_FEATURE, FeatureMessage.of(feature | direction, data));
  }

  @Override
  public void stop() throws MigrationException {
    boolean ask;
    synchronized (this) {
      ask = on && serverOn;
      on = false;
      serverOn = false;
      byStart.values().forEach(mapped -> mapped.written.clear());
    }
    if (ask) {
      stopServer();
    }
  }

  private void stopServer() throws MigrationException {
    try {
      channel.ask(
          feature(VfioUapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP, FeatureMessage.SET, Payload.NONE),
          ReplyReader.NOTHING);
    } catch (KernelError e) {
      throw e.as(
          DeviceError.DMA_LOG_FAILED, "vfio-user server %s goes on logging".formatted(server));
    }
  }

  @Override
  public void report(DirtyBitmap into) throws MigrationException {
    List<Mapped> touched = new ArrayList<>();
    synchronized (this) {
      if (!on) {
        throw new MigrationException(
            DeviceError.DMA_LOG_FAILED,
            "vfio-user server %s does not log its DMA".formatted(server));
      }
      for (Mapped mapped : byStart.values()) {
        if (mapped.written.range().overlaps(into.range())) {
          touched.add(mapped);
        }
      }
    }
    for (Mapped mapped : touched) {
      if (mapped.logged) {
        fetch(mapped);
      }
      synchronized (this) {
        if (mapped.byFile && !mapped.logged) {
          // Whether the server logs what is mapped later is not said: all of it counts as written,
          // each time.
          mapped.written.markAll();
        }
        handOver(mapped, into);
      }
    }
  }

  /** Asks for all that was written in a mapping, in as many questions as the bitmap needs. */
  private void fetch(Mapped mapped) throws MigrationException {
    MemoryRange range = mapped.written.range();
    long step = ((long) bitmapBytes << 3) * pageBytes;
    for (long done = 0; done < range.length(); done += step) {
      long length = Math.min(step, range.length() - done);
      LoggingReportFeature question =
          LoggingReportFeature.question(range.start() + done, length, pageBytes);
      int firstWord = (int) ((done / pageBytes) >>> 6);
      FeatureMessage ask =
          FeatureMessage.question(
              VfioUapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT | FeatureMessage.GET,
              question,
              FeatureMessage.FIELDS_BYTES
                  + LoggingReportFeature.FIELDS_BYTES
                  + (int) question.bitmapBytes());
      try {
        channel.ask(
            Request.of(Command.DEVICE_FEATURE, ask),
            incoming -> {
              ByteBuffer data = FeatureMessage.decode(incoming.body()).data();
              LongBuffer words =
                  question.decodeReply(data).bitmap().order(ByteOrder.nativeOrder()).asLongBuffer();
              synchronized (this) {
                LongBuffer all = mapped.written.words().asLongBuffer();
                while (words.hasRemaining()) {
                  int at = firstWord + words.position();
                  all.put(at, all.get(at) | words.get());
                }
              }
              return true;
            });
      } catch (KernelError e) {
        throw e.as(
            DeviceError.DMA_LOG_FAILED,
            "vfio-user server %s cannot say what it wrote in %s".formatted(server, range));
      }
    }
  }

  /** Moves what is inside the bitmap's range; the rest stays remembered. */
  private static void handOver(Mapped mapped, DirtyBitmap into) {
    DirtyBitmap written = mapped.written;
    MemoryRange range = written.range();
    long page = written.pageSizeBytes();
    List<MemoryRange> kept = new ArrayList<>();
    written.forEachRun(
        (first, count) -> {
          MemoryRange run =
              new MemoryRange(
                  range.start() + first * page,
                  Math.min(count * page, range.length() - first * page));
          into.mark(run);
          if (!into.range().contains(run)) {
            kept.add(run);
          }
        });
    written.clear();
    for (MemoryRange run : kept) {
      keepOutside(written, run, into.range());
    }
  }

  private static void keepOutside(DirtyBitmap written, MemoryRange run, MemoryRange reported) {
    if (Long.compareUnsigned(run.start(), reported.start()) < 0) {
      long end =
          Long.compareUnsigned(run.last(), reported.start()) < 0
              ? run.last()
              : reported.start() - 1;
      written.mark(new MemoryRange(run.start(), end - run.start() + 1));
    }
    if (Long.compareUnsigned(run.last(), reported.last()) > 0) {
      long start =
          Long.compareUnsigned(run.start(), reported.last()) > 0
              ? run.start()
              : reported.last() + 1;
      written.mark(new MemoryRange(start, run.last() - start + 1));
    }
  }
}
