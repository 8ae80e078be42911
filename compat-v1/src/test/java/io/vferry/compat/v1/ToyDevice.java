package io.vferry.compat.v1;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.zip.CRC32C;

/**
 * A small v2 device that keeps the rules, remembers its path, and fails where it is told to. Its
 * stream is its state, its length before and its checksum behind; in pre-copy it gives the first
 * half.
 */
final class ToyDevice implements MigratableDevice, PrecopyProgress, StopCopyEstimate {

  private final FeatureSet features;
  private final Map<Arc, DeviceState> failing = new EnumMap<>(Arc.class);
  final List<DeviceState> path = new ArrayList<>();
  byte[] content;
  private volatile DeviceState state = DeviceState.RUNNING;
  private Saving saving;
  private Loading loading;
  int questions;
  int closedStreams;
  Arc hanging;
  boolean silentWhenStopped;

  ToyDevice(FeatureSet features, int contentBytes, long seed) {
    this.features = features;
    this.content = new byte[contentBytes];
    new SplittableRandom(seed).nextBytes(content);
  }

  /** Has an arc fail for as long as it stands here, and leave the device in a state. */
  void fail(Arc arc, DeviceState after) {
    failing.put(arc, after);
  }

  void repair() {
    failing.clear();
  }

  @Override
  public FeatureSet features() {
    return features;
  }

  @Override
  public DeviceState state() {
    return state;
  }

  @Override
  public ArcOutcome perform(Arc arc) throws MigrationException {
    if (state != arc.from() || !features.supports(arc)) {
      throw new MigrationException(DeviceError.WRONG_STATE, arc + " in " + state);
    }
    if (arc == hanging) {
      try {
        new CountDownLatch(1).await();
      } catch (InterruptedException e) {
        throw new MigrationException(DeviceError.INTERRUPTED, arc + " was interrupted", e);
      }
    }
    DeviceState after = failing.get(arc);
    if (after != null) {
      state = after;
      throw new MigrationException(DeviceError.ARC_FAILED, "told to fail " + arc).withErrno(5);
    }
    if (arc == Arc.RESUMING_TO_STOP) {
      content = loading.proved();
    }
    state = arc.to();
    path.add(state);
    if (arc.endsStream()) {
      saving = null;
      loading = null;
    }
    if (arc.opensSaveStream()) {
      saving = new Saving();
      return new ArcOutcome.Saving(saving);
    }
    if (arc.opensLoadStream()) {
      loading = new Loading();
      return new ArcOutcome.Loading(loading);
    }
    return ArcOutcome.done();
  }

  @Override
  public void reset() {
    state = DeviceState.RUNNING;
    saving = null;
    loading = null;
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    boolean has =
        (type == PrecopyProgress.class && features.preCopy()) || type == StopCopyEstimate.class;
    return has ? Optional.of(type.cast(this)) : Optional.empty();
  }

  @Override
  public Remaining remaining() throws MigrationException {
    if (!(state.saving() && state.running())) {
      throw new MigrationException(DeviceError.WRONG_STATE, "no pre-copy");
    }
    questions++;
    return new Remaining(Math.max(0, saving.half() - saving.position), 0, false);
  }

  @Override
  public OptionalLong stopCopyBytes() {
    return OptionalLong.of(content.length + 12L);
  }

  @Override
  public void close() {}

  static byte[] stream(byte[] content) {
    ByteBuffer bytes = ByteBuffer.allocate(content.length + 12);
    CRC32C crc = new CRC32C();
    crc.update(content);
    return bytes.putInt(content.length).put(content).putLong(crc.getValue()).array();
  }

  private final class Saving implements SaveStream {

    private final byte[] bytes = stream(content);
    private int position;
    private boolean closed;

    int half() {
      return bytes.length / 2;
    }

    @Override
    public synchronized Status read(ByteBuffer into) throws MigrationException {
      if (this != saving || closed) {
        throw new MigrationException(DeviceError.SESSION_CLOSED, "the session has ended");
      }
      boolean stopped = state == DeviceState.STOP_COPY;
      if (stopped && silentWhenStopped) {
        try {
          while (!closed) {
            wait();
          }
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
        throw new MigrationException(DeviceError.SESSION_CLOSED, "closed while waiting");
      }
      int end = stopped ? bytes.length : half();
      int length = Math.min(into.remaining(), end - position);
      if (length <= 0) {
        return stopped ? Status.END : Status.NOTHING_NOW;
      }
      into.put(bytes, position, length);
      position += length;
      return Status.DATA;
    }

    @Override
    public synchronized void close() {
      closedStreams += closed ? 0 : 1;
      closed = true;
      notifyAll();
    }
  }

  private final class Loading implements LoadStream {

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    @Override
    public void write(ByteBuffer from) throws MigrationException {
      if (this != loading) {
        throw new MigrationException(DeviceError.SESSION_CLOSED, "the session has ended");
      }
      byte[] part = new byte[from.remaining()];
      from.get(part);
      bytes.writeBytes(part);
    }

    byte[] proved() throws MigrationException {
      ByteBuffer all = ByteBuffer.wrap(bytes.toByteArray());
      if (all.remaining() >= 12 && all.getInt() == all.remaining() - 8) {
        byte[] loaded = new byte[all.remaining() - 8];
        all.get(loaded);
        if (Arrays.equals(stream(loaded), all.array())) {
          return loaded;
        }
      }
      throw new MigrationException(DeviceError.DATA_CORRUPT, "the loaded state is not whole");
    }

    @Override
    public void close() {
      closedStreams++;
    }
  }
}
