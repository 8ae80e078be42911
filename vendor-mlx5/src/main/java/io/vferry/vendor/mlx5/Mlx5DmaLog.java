package io.vferry.vendor.mlx5;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.vendor.mlx5.command.PageTrack;
import io.vferry.vendor.mlx5.command.TrackingCapabilities;
import io.vferry.vendor.mlx5.prm.EventType;
import io.vferry.vendor.mlx5.queue.CommandException;
import io.vferry.vendor.mlx5.queue.CommandQueue;
import io.vferry.vendor.mlx5.queue.Event;
import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The page tracker of a function. Any trouble makes the log void, because the device forgets what
 * it reports. Source: Linux 6.12, {@code drivers/vfio/pci/mlx5/cmd.c}, {@code
 * mlx5vf_tracker_read_and_clear}.
 */
final class Mlx5DmaLog implements DmaLog {

  private static final String RESET = "the device was reset";
  private static final int MOST_RANGES = 256;
  private static final int LOG_LONGEST_MESSAGE = 22;
  private static final int MOST_REMEMBERED = 1 << 20;
  private static final long SILENCE_NANOS = 60_000_000_000L;
  private static final long ASK_AFTER_NANOS = 100_000_000L;

  private final String device;
  private final TrackingCapabilities limits;
  private final LongSupplier resets;
  private final Consumer<Event> listener = this::event;

  /** Pages that were reported and lie, at least in part, outside of what was asked. */
  private final TreeSet<Long> remembered = new TreeSet<>(Long::compareUnsigned);

  private Vhca vhca;
  private volatile @Nullable ReportChannel channel;
  private volatile int object;
  private volatile boolean objectChanged;
  private volatile @Nullable String broken;
  private @Nullable CommandQueue heard;
  private long pageBytes;
  private long resetsAtStart;

  /**
   * Creates the log, which is off.
   *
   * @param resets how often the function was reset, whoever did it
   */
  Mlx5DmaLog(String device, Vhca vhca, TrackingCapabilities limits, LongSupplier resets) {
    this.device = device;
    this.vhca = vhca;
    this.limits = limits;
    this.resets = resets;
  }

  @Override
  public synchronized long start(List<MemoryRange> iovaRanges, long pageSizeBytes)
      throws MigrationException {
    if (channel != null) {
      throw new MigrationException(
          DeviceError.WRONG_STATE, "the DMA log of " + device + " is on already");
    }
    check(iovaRanges, pageSizeBytes);
    int logPage =
        Math.max(
            limits.logMinPageBytes(),
            Math.min(limits.logMaxPageBytes(), Long.numberOfTrailingZeros(pageSizeBytes)));
    List<MemoryRange> ranges = TrackedRanges.merge(iovaRanges, Math.max(1, limits.maxRanges()));
    int logSpace = TrackedRanges.logSpace(ranges);
    if (logSpace < limits.logMinSpace() || logSpace > limits.logMaxSpace()) {
      throw new MigrationException(
          DeviceError.OUT_OF_RESOURCES,
          "%s can watch 2^%d to 2^%d bytes, not 2^%d"
              .formatted(device, limits.logMinSpace(), limits.logMaxSpace(), logSpace));
    }
    broken = null;
    objectChanged = false;
    resetsAtStart = resets.getAsLong();
    remembered.clear();
    try {
      int logMessage = Math.min(LOG_LONGEST_MESSAGE, limits.logMaxMessageBytes());
      ReportChannel opened = ReportChannel.open(vhca.session(), logMessage);
      channel = opened;
      heard = vhca.queue();
      vhca.queue().listen(listener);
      object =
          vhca.queue()
              .execute(
                  new PageTrack.Create(
                      vhca.id(), logSpace, logPage, logMessage, opened.firmwareQpn(), ranges));
    } catch (CommandException e) {
      dismantle();
      throw e.toMigration("the DMA log of " + device, DeviceError.OUT_OF_RESOURCES);
    }
    pageBytes = 1L << logPage;
    return pageBytes;
  }

  private void check(List<MemoryRange> ranges, long pageSizeBytes) throws MigrationException {
    if (pageSizeBytes < 4096 || Long.bitCount(pageSizeBytes) != 1) {
      throw bad("a page of " + pageSizeBytes + " bytes is no power of two from 4096");
    }
    if (ranges.isEmpty() || ranges.size() > MOST_RANGES || !TrackedRanges.disjoint(ranges)) {
      throw bad(ranges.size() + " ranges are none, too many, or overlap");
    }
    for (MemoryRange range : ranges) {
      if (((range.start() | range.length()) & pageSizeBytes - 1) != 0) {
        throw bad("%s is not made of pages of %d bytes".formatted(range, pageSizeBytes));
      }
    }
  }

  private MigrationException bad(String what) {
    return new MigrationException(
        DeviceError.BAD_REQUEST, "the DMA log of %s cannot start: %s".formatted(device, what));
  }

  @Override
  public synchronized void stop() throws MigrationException {
    if (channel == null) {
      return;
    }
    CommandException failure = null;
    try {
      if (!wasReset()) {
        vhca.queue().execute(new PageTrack.Destroy(object));
      }
    } catch (CommandException e) {
      failure = wasReset() ? null : e;
    }
    dismantle();
    if (failure != null && failure.fate() != CommandException.Fate.LOST) {
      throw failure.toMigration("the DMA log of " + device, DeviceError.DMA_LOG_FAILED);
    }
  }

  private void dismantle() {
    CommandQueue queue = heard;
    if (queue != null) {
      queue.unlisten(listener);
      heard = null;
    }
    ReportChannel open = channel;
    channel = null;
    if (open != null) {
      open.close();
    }
  }

  /** Whether the firmware forgot the tracker. */
  private boolean wasReset() {
    if (resets.getAsLong() != resetsAtStart) {
      broken = RESET;
    }
    return RESET.equals(broken);
  }

  /** Notes that the driver reset the function, also if the host does not count that. */
  void deviceWasReset() {
    broken = RESET;
  }

  /** Notes that the physical function was started anew. */
  synchronized void movedTo(Vhca now) {
    dismantle();
    vhca = now;
  }

  private void event(Event event) {
    ReportChannel open = channel;
    if (open != null) {
      open.failed(event);
    }
    if (event.type() == EventType.OBJECT_CHANGE && PageTrack.isAbout(event.data(), object)) {
      objectChanged = true;
    }
  }

  @Override
  public synchronized void report(DirtyBitmap into) throws MigrationException {
    ReportChannel open = channel;
    if (open == null) {
      throw new MigrationException(
          DeviceError.DMA_LOG_FAILED, "the DMA log of " + device + " is off");
    }
    String before = wasReset() ? RESET : broken;
    if (before != null) {
      throw failed(before);
    }
    try {
      vhca.queue().execute(new PageTrack.Report(object, into.range()));
      recall(into);
      collect(open, into);
    } catch (CommandException e) {
      broken = String.valueOf(e.getMessage());
      throw failed(broken);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      broken = "a report was interrupted";
      throw failed(broken);
    }
  }

  private MigrationException failed(String why) {
    return new MigrationException(
        DeviceError.DMA_LOG_FAILED, "the DMA log of %s is void: %s".formatted(device, why));
  }

  /** Marks what earlier reports said about this range. */
  private void recall(DirtyBitmap into) {
    Iterator<Long> pages = remembered.iterator();
    while (pages.hasNext()) {
      MemoryRange page = new MemoryRange(pages.next(), pageBytes);
      into.mark(page);
      if (into.range().contains(page)) {
        pages.remove();
      }
    }
  }

  private void collect(ReportChannel open, DirtyBitmap into)
      throws CommandException, InterruptedException {
    Pause pause = new Pause(vhca.queue());
    long heardNanos = vhca.queue().clock().nanoTime();
    long askedNanos = heardNanos;
    while (true) {
      ReportChannel.Message message = open.poll();
      if (message != null) {
        heardNanos = vhca.queue().clock().nanoTime();
        mark(message.addresses(), into);
        switch (message.state()) {
          case PageTrack.STATE_TRACKING -> {
            return;
          }
          case PageTrack.STATE_REPORTING -> {
            continue;
          }
          default -> throw CommandException.lost("the tracker is in state " + message.state());
        }
      }
      vhca.queue().progress();
      String failure = open.failure();
      if (failure != null) {
        throw CommandException.lost(failure);
      }
      long now = vhca.queue().clock().nanoTime();
      if (objectChanged || now - askedNanos > ASK_AFTER_NANOS) {
        objectChanged = false;
        askedNanos = now;
        int state = vhca.queue().execute(new PageTrack.Query(object));
        if (state != PageTrack.STATE_TRACKING && state != PageTrack.STATE_REPORTING) {
          throw CommandException.lost("the tracker is in state " + state);
        }
      }
      if (now - heardNanos > SILENCE_NANOS) {
        throw CommandException.lost(
            "a report has not ended in %d ms".formatted(SILENCE_NANOS / 1_000_000));
      }
      pause.once();
    }
  }

  private void mark(ByteBuffer addresses, DirtyBitmap into) throws CommandException {
    while (addresses.hasRemaining()) {
      long address = addresses.getLong() & -pageBytes;
      MemoryRange page = new MemoryRange(address, pageBytes);
      into.mark(page);
      if (!into.range().contains(page)) {
        // The device forgets it now, so that it must be known here.
        remembered.add(address);
        if (remembered.size() > MOST_REMEMBERED) {
          throw CommandException.lost("the tracker reports pages that nobody asked for");
        }
      }
    }
  }
}
