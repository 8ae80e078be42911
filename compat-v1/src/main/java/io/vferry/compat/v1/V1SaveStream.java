package io.vferry.compat.v1;

import io.vferry.spi.driver.PrecopyProgress.Remaining;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.OptionalLong;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Collects the chunks of a v1 driver, straight from its window into the caller's buffer. Once
 * {@code data_offset} was read the user is bound to collect the chunk, so what is left of it is
 * taken out before the device is asked anything else.
 */
final class V1SaveStream implements SaveStream {

  /** What an attempt to get a chunk gave. */
  private enum Attempt {
    CHUNK,
    NOTHING,
    NOT_YET,
    END
  }

  private static final long PAUSE_NANOS = 1_000_000;
  private static final int SMALL_BYTES = V1StreamFormat.RECORD_BYTES + V1StreamFormat.END_BYTES;

  private final V1Device device;
  private final V1DeviceAdapter adapter;
  private final V1AdapterSettings settings;
  private final Object accesses;
  private final WaitLimit limit;
  private final String readWhat;
  private final CRC32C crc = new CRC32C();

  /** Bytes that go out before anything else: what is not a chunk, or is left of one. */
  private ByteBuffer queue;

  /** Where in the region the rest of the chunk lies that is being collected, and its length. */
  private long chunkOffset;

  private long chunkLeftBytes;
  private @Nullable MigrationException pendingFailure;
  private long chunks;
  private long bytes;
  private long stopCopyBytes;
  private long initialBytes = -1;
  private long pendingBytes = -1;
  private boolean endQueued;
  private volatile boolean ended;
  private volatile boolean closed;

  V1SaveStream(
      V1Device device,
      V1DeviceAdapter adapter,
      V1AdapterSettings settings,
      Object accesses,
      Map<String, String> description) {
    this.device = device;
    this.adapter = adapter;
    this.settings = settings;
    this.accesses = accesses;
    this.readWhat = "a read of pending data of v1 driver " + settings.driverId();
    this.limit = new WaitLimit(settings.clock(), settings.waitNanos());
    this.queue = V1StreamFormat.start(settings.checksummed(), description);
    crc.update(queue.duplicate());
  }

  @Override
  public Status read(ByteBuffer into) throws MigrationException {
    int begin = into.position();
    long began = limit.now();
    while (into.hasRemaining()) {
      Attempt attempt;
      try {
        attempt = step(into);
      } catch (MigrationException e) {
        if (into.position() == begin) {
          throw e;
        }
        // What came before the failure is good; the failure is told in its place in the stream.
        pendingFailure = e;
        return Status.DATA;
      }
      if (attempt == Attempt.CHUNK) {
        continue;
      }
      if (into.position() > begin) {
        return Status.DATA;
      }
      switch (attempt) {
        case END -> {
          return Status.END;
        }
        case NOTHING -> {
          return Status.NOTHING_NOW;
        }
        default -> limit.pause(readWhat, began, PAUSE_NANOS);
      }
    }
    return Status.DATA;
  }

  private Attempt step(ByteBuffer into) throws MigrationException {
    synchronized (accesses) {
      checkOpen();
      MigrationException failure = pendingFailure;
      if (failure != null) {
        pendingFailure = null;
        throw failure;
      }
      if (queue.hasRemaining()) {
        int length = Math.min(queue.remaining(), into.remaining());
        into.put(into.position(), queue, queue.position(), length);
        into.position(into.position() + length);
        queue.position(queue.position() + length);
        return Attempt.CHUNK;
      }
      return endQueued
          ? Attempt.END
          : limit.interrupting(readWhat, () -> chunkLeftBytes > 0 ? collect(into) : fetch());
    }
  }

  private void checkOpen() throws MigrationException {
    if (ended || closed) {
      throw new MigrationException(
              DeviceError.SESSION_CLOSED,
              "the save session of v1 driver " + settings.driverId() + " has ended")
          .withErrno(V1Errno.ENODEV.number());
    }
  }

  private Attempt fetch() throws MigrationException {
    DeviceState state = adapter.state();
    if (untouchable(state)) {
      return Attempt.NOTHING;
    }
    boolean stopped = state == DeviceState.STOP_COPY;
    if (!poll(stopped)) {
      return Attempt.NOT_YET;
    }
    if (pendingBytes == 0) {
      return stopped ? queueEnd() : Attempt.NOTHING;
    }
    long offset = device.readDataOffset();
    long size = device.readDataSize();
    if (size == 0) {
      return stopped ? Attempt.NOT_YET : Attempt.NOTHING;
    }
    long region = device.regionBytes();
    if (offset < V1Field.HEADER_BYTES || offset >= region || size < 0 || size > region - offset) {
      throw broken(
          "says that a chunk of %s bytes lies at offset %s of its region of %d bytes"
              .formatted(Long.toUnsignedString(size), Long.toUnsignedString(offset), region));
    }
    if (stopped && size > settings.maxStopCopyBytes() - stopCopyBytes) {
      throw new MigrationException(
              DeviceError.DRIVER_BROKEN,
              "v1 driver %s gave %d bytes since its device stopped and has no end"
                  .formatted(settings.driverId(), stopCopyBytes))
          .withErrno(V1Errno.EFBIG.number());
    }
    putRecord(V1StreamFormat.CHUNK, size);
    queue.flip();
    chunkOffset = offset;
    chunkLeftBytes = size;
    chunks++;
    bytes += size;
    stopCopyBytes += stopped ? size : 0;
    return Attempt.CHUNK;
  }

  /** A read of pending_bytes would freeze a device that must still take what its peers send. */
  private boolean untouchable(DeviceState state) {
    return settings.stopping() == V1Stopping.QUIESCENT_POINT && state == DeviceState.PRE_COPY_P2P;
  }

  /** Reads pending_bytes; returns false if the device wants to be asked again. */
  private boolean poll(boolean stopped) throws MigrationException {
    long pending;
    try {
      pending = device.readPendingBytes();
    } catch (MigrationException e) {
      int errno = e.errno().orElse(0);
      if (stopped
          && settings.stopping() == V1Stopping.QUIESCENT_POINT
          && (errno == V1Errno.EAGAIN.number() || errno == V1Errno.EBUSY.number())) {
        return false;
      }
      throw e;
    }
    // Unsigned in the interface, and only an estimate.
    pendingBytes = pending < 0 ? Long.MAX_VALUE : pending;
    if (initialBytes < 0) {
      initialBytes = pendingBytes;
    }
    return true;
  }

  /** Reads a part of the chunk, and sums it while it is in the core's cache. */
  private Attempt collect(ByteBuffer into) throws MigrationException {
    int at = into.position();
    int end = into.limit();
    int most = settings.checksummed() ? Integer.MAX_VALUE : V1StreamFormat.PIECE_BYTES;
    int length = (int) Math.min(Math.min(chunkLeftBytes, most), end - at);
    try {
      device.readData(chunkOffset, into.limit(at + length));
      if (into.hasRemaining()) {
        throw broken("left %d bytes of a chunk unread".formatted(into.remaining()));
      }
    } catch (MigrationException e) {
      into.position(at);
      throw e;
    } finally {
      into.limit(end);
    }
    if (!settings.checksummed()) {
      crc.update(into.slice(at, length));
    }
    chunkOffset += length;
    chunkLeftBytes -= length;
    return Attempt.CHUNK;
  }

  /** Takes out what the device has handed over, before it is asked or told anything else. */
  void takeOut() throws MigrationException {
    if (chunkLeftBytes == 0 || ended || closed) {
      return;
    }
    long whole = queue.remaining() + chunkLeftBytes;
    if (whole > Integer.MAX_VALUE) {
      throw broken(
          "hands over a chunk of which %d bytes are more than this host can hold".formatted(whole));
    }
    ByteBuffer all = ByteBuffer.allocateDirect((int) whole).put(queue);
    limit.interrupting(
        readWhat,
        () -> {
          while (all.hasRemaining()) {
            collect(all);
          }
          return all;
        });
    queue = all.flip();
  }

  private void putRecord(int type, long lengthBytes) {
    if (queue.capacity() != SMALL_BYTES) {
      queue = V1StreamFormat.buffer(SMALL_BYTES);
    }
    queue.clear();
    V1StreamFormat.putRecord(queue, type, lengthBytes);
    crc.update(queue.slice(0, V1StreamFormat.RECORD_BYTES));
  }

  private Attempt queueEnd() throws MigrationException {
    if (chunks == 0 && !settings.maySaveNothing()) {
      throw broken("saved no state at all: it gave no byte and says that this is all");
    }
    putRecord(V1StreamFormat.END, V1StreamFormat.END_BYTES);
    queue.putLong(chunks).putLong(bytes).putLong(crc.getValue()).flip();
    endQueued = true;
    return Attempt.CHUNK;
  }

  private MigrationException broken(String what) {
    return new MigrationException(
            DeviceError.DRIVER_BROKEN, "v1 driver " + settings.driverId() + " " + what)
        .withErrno(V1Errno.EINVAL.number());
  }

  /**
   * Says how far a pre-copy is. v1 has one number; what was pending at the start counts as the
   * first image. That it was begun anew cannot be known.
   */
  Remaining remaining() throws MigrationException {
    synchronized (accesses) {
      checkOpen();
      takeOut();
      if (!untouchable(adapter.state())) {
        limit.interrupting(readWhat, () -> poll(false));
      }
      long pending = Math.max(0, pendingBytes);
      long initial = Math.min(pending, Math.max(0, initialBytes - bytes));
      long unread = queue.remaining();
      return new Remaining(
          initial > Long.MAX_VALUE - unread ? initial : initial + unread, pending - initial, false);
    }
  }

  OptionalLong lastPendingBytes() {
    synchronized (accesses) {
      return pendingBytes < 0 ? OptionalLong.empty() : OptionalLong.of(pendingBytes);
    }
  }

  /** Ends the session, so that each later read fails. */
  void end() {
    ended = true;
    limit.cut();
  }

  @Override
  public void close() {
    closed = true;
    limit.cut();
  }
}
