package io.vferry.vendor.mlx5;

import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.vendor.mlx5.queue.CommandException;
import io.vferry.vendor.mlx5.queue.Flight;
import io.vferry.vendor.mlx5.stream.RecordParser;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One load session: each image is loaded when its last byte has come. One thread writes; any thread
 * may close.
 */
final class LoadSession implements LoadStream {

  /** Beyond this, memory is taken only as the bytes of an image really come. */
  private static final long AHEAD_BYTES = 256L << 20;

  private final String device;
  private final Vhca vhca;
  private final int pd;
  private final BooleanSupplier wasReset;
  private final RecordParser parser = new RecordParser(new Images());
  private @Nullable ImageBuffer buffer;
  private long announcedBytes;
  private long filledBytes;
  private int loaded;
  private @Nullable MigrationException failure;
  private volatile boolean closed;

  private LoadSession(String device, Vhca vhca, int pd, BooleanSupplier wasReset) {
    this.device = device;
    this.vhca = vhca;
    this.pd = pd;
    this.wasReset = wasReset;
  }

  /**
   * Begins a session.
   *
   * @param wasReset whether the device was reset since, which ends the session
   */
  static LoadSession begin(String device, Vhca vhca, BooleanSupplier wasReset)
      throws CommandException {
    return new LoadSession(device, vhca, vhca.allocatePd(), wasReset);
  }

  /** Takes the images out of the records. */
  private final class Images implements RecordParser.Sink {
    @Override
    public void stopCopySize(long bytes) {
      announcedBytes = Math.min(bytes, AHEAD_BYTES);
    }

    @Override
    public void imageBegins(long bytes) throws MigrationException {
      filledBytes = 0;
      reserve(bytes);
    }

    @Override
    public void imageBytes(ByteBuffer from, int length) throws MigrationException {
      ImageBuffer room = buffer;
      if (room == null) {
        throw new IllegalStateException("an image has no room");
      }
      try {
        room.memory().write(filledBytes, from, length);
      } catch (CommandException e) {
        throw e.toMigration(device, DeviceError.IO_FAILED);
      }
      filledBytes += length;
    }

    @Override
    public void imageEnds() throws MigrationException {
      load();
    }
  }

  private void reserve(long imageBytes) throws MigrationException {
    ImageBuffer old = buffer;
    if (old != null && old.lengthBytes() >= imageBytes) {
      return;
    }
    try {
      if (old != null) {
        buffer = null;
        vhca.free(old);
      }
      buffer = vhca.allocateLazily(pd, Math.max(imageBytes, announcedBytes));
    } catch (CommandException e) {
      throw e.toMigration(device, DeviceError.IO_FAILED);
    }
  }

  private void load() throws MigrationException {
    ImageBuffer image = buffer;
    if (image == null) {
      throw new IllegalStateException("an image has no room");
    }
    Flight<Void> flight = null;
    try {
      flight = vhca.load(image.mkey(), filledBytes);
      vhca.queue().await(flight);
      loaded++;
    } catch (CommandException e) {
      if (flight != null && e.fate() == CommandException.Fate.UNKNOWN) {
        // The firmware may still read there.
        buffer = null;
        vhca.queue().afterwards(flight, () -> vhca.session().arena().release(image.memory()));
      }
      throw e.toMigration(
          "%s did not take image %d of the stream, %d bytes".formatted(device, loaded, filledBytes),
          e.fate() == CommandException.Fate.REFUSED
              ? DeviceError.DATA_CORRUPT
              : DeviceError.IO_FAILED);
    }
  }

  @Override
  public synchronized void write(ByteBuffer from) throws MigrationException {
    if (closed) {
      throw new MigrationException(
          DeviceError.SESSION_CLOSED, "the load session of " + device + " has ended");
    }
    if (wasReset.getAsBoolean()) {
      throw new MigrationException(
          DeviceError.SESSION_CLOSED,
          "%s was reset, which ended its load session".formatted(device));
    }
    MigrationException before = failure;
    if (before != null) {
      throw new MigrationException(before.code(), before.detail(), before);
    }
    try {
      parser.take(from);
    } catch (MigrationException e) {
      failure = e;
      throw e;
    }
  }

  /**
   * Proves that all of a stream came.
   *
   * @throws MigrationException {@code DATA_CORRUPT} and others
   */
  synchronized void proveWhole() throws MigrationException {
    MigrationException before = failure;
    if (before != null) {
      throw new MigrationException(before.code(), before.detail(), before);
    }
    parser.proveWhole();
  }

  /** Ends the session and frees all it has. */
  synchronized void end() {
    closed = true;
    ImageBuffer last = buffer;
    buffer = null;
    Release.all(vhca, pd, last == null ? List.of() : List.of(last));
  }

  @Override
  public void close() {
    closed = true;
  }
}
