package io.vferry.compat.v1;

import io.vferry.spi.driver.PrecopyProgress.Remaining;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.OptionalLong;
import java.util.zip.CRC32C;

/**
 * Collects the chunks of a v1 driver. Once {@code data_offset} was read the user is bound to
 * collect the chunk, so each is collected whole before anything else happens.
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

  private final V1Device device;
  private final V1DeviceAdapter adapter;
  private final V1AdapterSettings settings;
  private final Object accesses;
  private final CRC32C crc = new CRC32C();
  private ByteBuffer queue = V1StreamFormat.buffer(V1StreamFormat.START_BYTES);
  private long chunks;
  private long bytes;
  private long stopCopyBytes;
  private long initialBytes = -1;
  private long pendingBytes = -1;
  private boolean endQueued;
  private volatile boolean ended;
  private volatile boolean closed;

  V1SaveStream(
      V1Device device, V1DeviceAdapter adapter, V1AdapterSettings settings, Object accesses) {
    this.device = device;
    this.adapter = adapter;
    this.settings = settings;
    this.accesses = accesses;
    V1StreamFormat.putStart(queue);
    queue.flip();
  }

  @Override
  public Status read(ByteBuffer into) throws MigrationException {
    int begin = into.position();
    HostClock clock = settings.clock();
    long began = clock.nanoTime();
    while (into.hasRemaining()) {
      Attempt attempt = step(into);
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
        default -> pause(clock.nanoTime() - began);
      }
    }
    return Status.DATA;
  }

  private Attempt step(ByteBuffer into) throws MigrationException {
    synchronized (accesses) {
      if (ended || closed) {
        throw new MigrationException(
                DeviceError.SESSION_CLOSED,
                "the save session of v1 driver " + settings.driverId() + " has ended")
            .withErrno(V1Errno.ENODEV.number());
      }
      if (queue.hasRemaining()) {
        int length = Math.min(queue.remaining(), into.remaining());
        into.put(into.position(), queue, queue.position(), length);
        into.position(into.position() + length);
        queue.position(queue.position() + length);
        return Attempt.CHUNK;
      }
      return endQueued ? Attempt.END : fetch(into);
    }
  }

  private Attempt fetch(ByteBuffer into) throws MigrationException {
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
    if (size > Integer.MAX_VALUE - V1StreamFormat.RECORD_BYTES) {
      throw broken("hands over a chunk of " + size + " bytes, more than this host can hold");
    }
    if (stopped && size > settings.maxStopCopyBytes() - stopCopyBytes) {
      throw new MigrationException(
              DeviceError.DRIVER_BROKEN,
              "v1 driver %s gave %d bytes since its device stopped and has no end"
                  .formatted(settings.driverId(), stopCopyBytes))
          .withErrno(V1Errno.EFBIG.number());
    }
    collect(offset, (int) size, into);
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

  private void collect(long offset, int size, ByteBuffer into) throws MigrationException {
    int whole = V1StreamFormat.RECORD_BYTES + size;
    boolean direct = into.remaining() >= whole;
    ByteBuffer record = direct ? into.slice(into.position(), whole) : room(whole);
    record.order(ByteOrder.LITTLE_ENDIAN);
    V1StreamFormat.putRecord(record, V1StreamFormat.CHUNK, size);
    try {
      device.readData(offset, record);
      if (record.hasRemaining()) {
        throw broken("left %d bytes of a chunk unread".formatted(record.remaining()));
      }
    } catch (MigrationException e) {
      queue.limit(0);
      throw e;
    }
    crc.update(record.position(V1StreamFormat.RECORD_BYTES));
    chunks++;
    bytes += size;
    if (direct) {
      into.position(into.position() + whole);
    } else {
      record.position(0);
    }
  }

  /** Returns the queue, empty, with room for exactly so much. */
  private ByteBuffer room(int lengthBytes) {
    if (queue.capacity() < lengthBytes) {
      queue = ByteBuffer.allocateDirect(lengthBytes);
    }
    queue.clear().limit(lengthBytes);
    return queue;
  }

  private Attempt queueEnd() throws MigrationException {
    if (chunks == 0 && !settings.maySaveNothing()) {
      throw broken("saved no state at all: it gave no byte and says that this is all");
    }
    ByteBuffer record = room(V1StreamFormat.RECORD_BYTES + V1StreamFormat.END_BYTES);
    record.order(ByteOrder.LITTLE_ENDIAN);
    V1StreamFormat.putRecord(record, V1StreamFormat.END, V1StreamFormat.END_BYTES);
    record.putLong(chunks).putLong(bytes).putLong(crc.getValue()).flip();
    endQueued = true;
    return Attempt.CHUNK;
  }

  private void pause(long waitedNanos) throws MigrationException {
    if (waitedNanos >= settings.waitNanos()) {
      throw new MigrationException(
              DeviceError.TIMEOUT,
              "v1 driver %s says that data are pending and gave none in %d ms"
                  .formatted(settings.driverId(), settings.waitNanos() / 1_000_000))
          .withErrno(V1Errno.ETIMEDOUT.number());
    }
    try {
      settings.clock().sleep(PAUSE_NANOS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MigrationException(
              DeviceError.INTERRUPTED, "the wait for a v1 driver's data was interrupted", e)
          .withErrno(V1Errno.EINTR.number());
    }
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
      if (ended || closed) {
        throw new MigrationException(
                DeviceError.SESSION_CLOSED,
                "the save session of v1 driver " + settings.driverId() + " has ended")
            .withErrno(V1Errno.ENODEV.number());
      }
      if (!untouchable(adapter.state())) {
        poll(false);
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
  }

  @Override
  public void close() {
    closed = true;
  }
}
