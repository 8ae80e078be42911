package io.vferry.compat.v1;

import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A save stream, cut into chunks that lie in the data window until the client has acknowledged
 * them. What was taken from the stream in pre-copy stays here over the change to stop-copy:
 * dropped, it would be a hole in the stream.
 */
final class SavingSession {

  private static final long PAUSE_NANOS = 100_000;

  private final MigratableDevice device;
  private final SaveStream stream;
  private final ByteBuffer window;
  private final WaitLimit limit;
  private int stagedBytes;
  private boolean handedOut;
  private boolean ended;
  private long estimatedBytes;

  /** How much comes after the stop; asked once, because a stopped device does not change. */
  private OptionalLong stopCopyBytes = OptionalLong.empty();

  private long stopCopyDeliveredBytes;
  private @Nullable MigrationException pendingFailure;

  SavingSession(MigratableDevice device, SaveStream stream, ByteBuffer window, WaitLimit limit) {
    this.device = device;
    this.stream = stream;
    this.window = window;
    this.limit = limit;
  }

  /** Begins an iteration: acknowledges a chunk that was handed out, and looks for the next one. */
  long pendingBytes(boolean stopped) throws MigrationException {
    if (handedOut) {
      stopCopyDeliveredBytes += stopped ? stagedBytes : 0;
      stagedBytes = 0;
      handedOut = false;
    }
    ensureStaged(stopped);
    // 0 means "nothing now" in pre-copy and "nothing any more" in stop-copy; the estimate may lie.
    return stagedBytes == 0 ? 0 : Math.max(stagedBytes, estimatedBytes);
  }

  /** Hands the staged chunk out; the client is bound to collect it. */
  void handOut(boolean stopped) throws MigrationException {
    ensureStaged(stopped);
    handedOut = stagedBytes > 0;
  }

  int stagedBytes() {
    return stagedBytes;
  }

  /** Copies a part of the chunk that was handed out. */
  void read(long windowOffset, ByteBuffer into) throws MigrationException {
    int length = into.remaining();
    if (!handedOut || windowOffset + length > stagedBytes) {
      throw V1Errno.invalid(
          "%d bytes at offset %d of the data window are read, of which %d bytes were handed out;"
                  .formatted(length, windowOffset, handedOut ? stagedBytes : 0)
              + " read data_offset and data_size first");
    }
    into.put(into.position(), window, (int) windowOffset, length);
    into.position(into.position() + length);
  }

  private void ensureStaged(boolean stopped) throws MigrationException {
    if (stagedBytes > 0 || ended) {
      return;
    }
    MigrationException failure = pendingFailure;
    if (failure != null) {
      pendingFailure = null;
      throw failure;
    }
    estimatedBytes = estimate(stopped);
    fill(stopped);
  }

  private void fill(boolean stopped) throws MigrationException {
    ByteBuffer into = window.duplicate().clear();
    long began = limit.now();
    try {
      while (into.hasRemaining()) {
        SaveStream.Status status = read(into);
        if (status == SaveStream.Status.END) {
          ended = true;
          break;
        }
        if (status == SaveStream.Status.NOTHING_NOW && (!stopped || into.position() > 0)) {
          break;
        }
        if (status == SaveStream.Status.NOTHING_NOW) {
          // A zero here would tell the client that all is saved.
          limit.pause("a read of the stopped device's data", began, PAUSE_NANOS);
        }
      }
    } catch (MigrationException e) {
      if (into.position() == 0) {
        throw e;
      }
      // What came before the failure is good; the failure is told in its place in the stream.
      pendingFailure = e;
    }
    stagedBytes = into.position();
  }

  private SaveStream.Status read(ByteBuffer into) throws MigrationException {
    return limit.ending(
        "a read of the device's data, whose session it ends,",
        stream::close,
        () -> stream.read(into));
  }

  /** Asks in pre-copy even where the answer is not needed: some devices give data only then. */
  private long estimate(boolean stopped) throws MigrationException {
    if (!stopped) {
      Optional<PrecopyProgress> progress = device.capability(PrecopyProgress.class);
      if (progress.isEmpty()) {
        return 0;
      }
      PrecopyProgress.Remaining left = progress.get().remaining();
      return saturated(Math.max(0, left.initialBytes()), Math.max(0, left.dirtyBytes()));
    }
    if (stopCopyBytes.isEmpty()) {
      Optional<StopCopyEstimate> size = device.capability(StopCopyEstimate.class);
      stopCopyBytes = OptionalLong.of(size.isPresent() ? size.get().stopCopyBytes().orElse(0) : 0);
    }
    return Math.max(0, stopCopyBytes.getAsLong() - stopCopyDeliveredBytes);
  }

  private static long saturated(long a, long b) {
    return a > Long.MAX_VALUE - b ? Long.MAX_VALUE : a + b;
  }

  void close() {
    stream.close();
  }
}
