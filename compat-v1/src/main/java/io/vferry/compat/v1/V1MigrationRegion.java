package io.vferry.compat.v1;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The migration region of Linux 5.8 to 5.17 over a v2 device: a header of 32 bytes at the start, in
 * native byte order, and a data window at {@link V1RegionSettings#WINDOW_OFFSET}.
 *
 * <p>Saving, a client reads {@code pending_bytes} (which acknowledges the chunk before), {@code
 * data_offset}, {@code data_size} and the data, until {@code pending_bytes} is 0: for now in
 * pre-copy, for good in stop-copy. Resuming, it reads {@code data_offset}, stores the data and
 * writes {@code data_size}. How it cuts the data means nothing to a v2 device.
 *
 * <p>Each failure carries the errno that the access gives ({@link MigrationException#errno()}).
 * After a failed write of {@code device_state} the client reads the state again: it is the old one
 * where that could be kept, 6 if the device is broken. A header field is accessed whole or not at
 * all; bits 3 to 31 of {@code device_state} read 0 and what is written there is ignored.
 *
 * <p>Any thread may call; accesses are done one after the other, but for reads of {@code
 * device_state}, which never wait. One that waits for the device is ended after {@link
 * V1RegionSettings#waitNanos()}: a read or write of data by closing the stream, an arc by an
 * interrupt of the thread that is in it. A reset ends it at once.
 *
 * <p>Sources: Linux 5.10, {@code include/uapi/linux/vfio.h}; for what clients really do, QEMU 5.2
 * and 7.2, {@code hw/vfio/migration.c}.
 */
public final class V1MigrationRegion implements Region, AutoCloseable {

  /** The type of the region in its capability, {@code VFIO_REGION_TYPE_MIGRATION}. */
  public static final int TYPE = 3;

  /** The subtype of the region in its capability, {@code VFIO_REGION_SUBTYPE_MIGRATION}. */
  public static final int SUBTYPE = 1;

  private final MigratableDevice device;
  private final V1RegionSettings settings;
  private final RegionInfo info;
  private final ByteBuffer window;
  private final WaitLimit limit;
  private final V1StateWriter states;
  private @Nullable SavingSession saving;
  private @Nullable LoadingSession loading;

  /**
   * Puts a region before a device, which stays in the state it is in.
   *
   * @param device stays the caller's, who lets nobody else move it
   */
  public V1MigrationRegion(MigratableDevice device, V1RegionSettings settings) {
    this.device = device;
    this.settings = settings;
    this.info =
        new RegionInfo(
            settings.index(),
            (long) V1RegionSettings.WINDOW_OFFSET + settings.windowBytes(),
            true,
            true,
            settings.mapped());
    this.window = ByteBuffer.allocateDirect(settings.windowBytes());
    this.limit = new WaitLimit(settings.clock(), settings.waitNanos());
    this.states =
        new V1StateWriter(
            device,
            limit,
            new V1StateWriter.Sessions() {
              @Override
              public void begin(ArcOutcome outcome) {
                beginSession(outcome);
              }

              @Override
              public void end() {
                endSession();
              }
            });
  }

  @Override
  public RegionInfo info() {
    return info;
  }

  @Override
  public List<MemoryRange> mappableParts() {
    return settings.mapped()
        ? List.of(new MemoryRange(V1RegionSettings.WINDOW_OFFSET, settings.windowBytes()))
        : List.of();
  }

  @Override
  public void read(long offset, ByteBuffer into) throws MigrationException {
    if (inWindow(offset, into.remaining())) {
      readWindow(offset - V1RegionSettings.WINDOW_OFFSET, into);
      return;
    }
    V1Field field = field(offset, into.remaining());
    long value;
    try {
      // The state is told also while another access waits for the device.
      value = field == V1Field.DEVICE_STATE ? states.state().bits() : readSlow(field);
    } catch (MigrationException e) {
      throw V1Errno.numbered(e);
    }
    ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
    if (field.widthBytes() == Integer.BYTES) {
      bytes.putInt((int) value);
    } else {
      bytes.putLong(value);
    }
    into.put(bytes.flip());
  }

  private synchronized long readSlow(V1Field field) throws MigrationException {
    return switch (field) {
      case PENDING_BYTES -> pendingBytes();
      case DATA_OFFSET -> dataOffset();
      case DATA_SIZE -> dataSize();
      case DEVICE_STATE, RESERVED -> 0;
    };
  }

  @Override
  public synchronized void write(long offset, ByteBuffer from) throws MigrationException {
    if (inWindow(offset, from.remaining())) {
      writeWindow(offset - V1RegionSettings.WINDOW_OFFSET, from);
      return;
    }
    V1Field field = field(offset, from.remaining());
    ByteBuffer bytes = from.duplicate().order(ByteOrder.nativeOrder());
    switch (field) {
      case DEVICE_STATE -> writeState(bytes.getInt());
      case RESERVED -> {}
      case PENDING_BYTES, DATA_OFFSET ->
          throw V1Errno.invalid(field.title() + " is written, which is read only");
      case DATA_SIZE -> writeDataSize(bytes.getLong());
    }
    from.position(from.limit());
  }

  /** Maps a part of the data window; the header can never be mapped. */
  @Override
  public synchronized Optional<ByteBuffer> map(long offset, int lengthBytes)
      throws MigrationException {
    if (offset < 0 || lengthBytes < 1 || lengthBytes > info.sizeBytes() - offset) {
      throw V1Errno.invalid(
          "%d bytes at offset %d are mapped, and the region has %d"
              .formatted(lengthBytes, offset, info.sizeBytes()));
    }
    if (!settings.mapped() || offset < V1RegionSettings.WINDOW_OFFSET) {
      return Optional.empty();
    }
    int begin = (int) (offset - V1RegionSettings.WINDOW_OFFSET);
    return Optional.of(
        window.duplicate().clear().slice(begin, lengthBytes).order(ByteOrder.nativeOrder()));
  }

  /**
   * Resets the device, as {@code VFIO_DEVICE_RESET} does: to RUNNING, without any session.
   *
   * @throws MigrationException {@code RESET_FAILED}; the device reads 6 then
   */
  public void reset() throws MigrationException {
    limit.cut();
    resetNow();
  }

  private synchronized void resetNow() throws MigrationException {
    endSession();
    states.reset();
    try {
      device.reset();
    } catch (MigrationException e) {
      throw V1Errno.numbered(e);
    }
  }

  /** Ends the session under way; the device keeps its state. Closing again does nothing. */
  @Override
  public void close() {
    limit.cut();
    synchronized (this) {
      endSession();
    }
  }

  private boolean inWindow(long offset, int lengthBytes) {
    return offset >= V1RegionSettings.WINDOW_OFFSET
        && lengthBytes > 0
        && offset <= info.sizeBytes() - lengthBytes;
  }

  private V1Field field(long offset, int lengthBytes) throws MigrationException {
    return V1Field.at(offset, lengthBytes)
        .orElseThrow(
            () ->
                V1Errno.invalid(
                    "an access of %d bytes at offset %d meets neither one whole field of the header"
                            .formatted(lengthBytes, offset)
                        + " nor the data window of %d bytes at %d"
                            .formatted(settings.windowBytes(), V1RegionSettings.WINDOW_OFFSET)));
  }

  private long pendingBytes() throws MigrationException {
    V1State state = states.state();
    SavingSession session = saving;
    return session == null || !state.saving()
        ? 0
        : session.pendingBytes(state == V1State.STOP_COPY);
  }

  private long dataOffset() throws MigrationException {
    V1State state = states.state();
    SavingSession session = saving;
    if (session != null && state.saving()) {
      session.handOut(state == V1State.STOP_COPY);
    }
    return V1RegionSettings.WINDOW_OFFSET;
  }

  private long dataSize() throws MigrationException {
    SavingSession session = saving;
    return session == null || !states.state().saving() ? 0 : session.stagedBytes();
  }

  private synchronized void readWindow(long windowOffset, ByteBuffer into)
      throws MigrationException {
    SavingSession session = saving;
    if (session == null) {
      throw V1Errno.invalid("the data window is read, and the device is not saving");
    }
    session.read(windowOffset, into);
  }

  private void writeWindow(long windowOffset, ByteBuffer from) throws MigrationException {
    LoadingSession session = loading;
    if (session == null) {
      throw V1Errno.invalid("the data window is written, and the device is not resuming");
    }
    session.store(windowOffset, from);
  }

  private void writeDataSize(long lengthBytes) throws MigrationException {
    LoadingSession session = loading;
    if (session == null) {
      throw V1Errno.invalid("data_size is written, and the device is not resuming");
    }
    try {
      session.take(lengthBytes);
    } catch (MigrationException e) {
      throw V1Errno.numbered(e);
    }
  }

  private void writeState(int value) throws MigrationException {
    try {
      states.write(value);
    } catch (MigrationException e) {
      throw V1Errno.numbered(e);
    }
  }

  private void beginSession(ArcOutcome outcome) {
    if (outcome instanceof ArcOutcome.Saving opened) {
      endSession();
      saving = new SavingSession(device, opened.stream(), window, limit);
    } else if (outcome instanceof ArcOutcome.Loading opened) {
      endSession();
      loading = new LoadingSession(opened.stream(), window, limit, settings);
    }
  }

  private void endSession() {
    SavingSession save = saving;
    if (save != null) {
      save.close();
    }
    LoadingSession load = loading;
    if (load != null) {
      load.close();
    }
    saving = null;
    loading = null;
  }
}
