package io.vferry.host.linux.driver;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.MigrationData;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A host that migrates one device, with a switch for each way in which kernel drivers are known to
 * differ. Walks whole paths, as the kernel does.
 */
final class FakeKernel implements HostDevice, HostMigration {

  static final byte[] PRECOPIED = {1, 2, 3, 4, 5};
  static final byte[] STOPPED = {6, 7, 8, 9, 10, 11, 12};
  static final int EINVAL = 22;
  static final int EIO = 5;
  static final int EBUSY = 16;

  /** An arc that fails, and the state in which it leaves the device. */
  record Failure(Arc arc, DeviceState leaves, int errno) {}

  final FeatureSet features;
  final List<String> calls = new ArrayList<>();
  DeviceState state = DeviceState.RUNNING;
  @Nullable Failure failure;
  boolean losesSession;
  boolean strayFile;
  boolean acceptsCorruptData;
  boolean resetFails;
  boolean resetKeepsState;
  boolean gone;
  Meanwhile duringRead = () -> {};
  int largestRead = Integer.MAX_VALUE;
  int largestWrite = Integer.MAX_VALUE;
  OptionalLong stopCopyBytes = OptionalLong.empty();
  MigrationData.Precopy precopy = new MigrationData.Precopy(5, 0, false);
  @Nullable Session session;

  FakeKernel(FeatureSet features) {
    this.features = features;
  }

  /** Something that another thread does. */
  interface Meanwhile {
    void happens() throws MigrationException;
  }

  /** The data of a session. */
  final class Session implements MigrationData {
    final ByteArrayOutputStream written = new ByteArrayOutputStream();
    ByteBuffer toRead = ByteBuffer.allocate(0);
    boolean refused;
    boolean ended;
    boolean closed;

    private void checkAlive() throws MigrationException {
      if (ended || closed) {
        throw new MigrationException(DeviceError.SESSION_CLOSED, "ended");
      }
    }

    @Override
    public int read(ByteBuffer into) throws MigrationException {
      checkAlive();
      int count = Math.min(largestRead, Math.min(into.remaining(), toRead.remaining()));
      for (int i = 0; i < count; i++) {
        into.put(toRead.get());
      }
      duringRead.happens();
      duringRead = () -> {};
      return count;
    }

    @Override
    public int write(ByteBuffer from) throws MigrationException {
      checkAlive();
      byte[] offered = new byte[Math.min(largestWrite, from.remaining())];
      from.get(from.position(), offered);
      for (byte b : offered) {
        if (b < 0) {
          refused = true;
          throw new MigrationException(DeviceError.DATA_CORRUPT, "refused").withErrno(14);
        }
      }
      from.position(from.position() + offered.length);
      written.writeBytes(offered);
      return offered.length;
    }

    @Override
    public Precopy precopy() throws MigrationException {
      checkAlive();
      return precopy;
    }

    @Override
    public void close() {
      closed = true;
    }

    private boolean whole() {
      byte[] all = new byte[PRECOPIED.length + STOPPED.length];
      System.arraycopy(PRECOPIED, 0, all, 0, PRECOPIED.length);
      System.arraycopy(STOPPED, 0, all, PRECOPIED.length, STOPPED.length);
      return Arrays.equals(all, written.toByteArray());
    }
  }

  @Override
  public FeatureSet features() {
    return features;
  }

  @Override
  public DeviceState state() throws MigrationException {
    calls.add("get");
    if (gone) {
      throw new MigrationException(DeviceError.DEVICE_LOST, "gone").withErrno(19);
    }
    return state;
  }

  @Override
  public Optional<MigrationData> setState(DeviceState target) throws MigrationException {
    calls.add("set " + target);
    if (state == DeviceState.ERROR) {
      throw new AssertionError("told to move in ERROR");
    }
    Transition transition = TransitionTable.of(features).transition(state, target);
    Optional<MigrationData> opened = Optional.empty();
    for (Arc arc : ((Transition.Path) transition).arcs()) {
      opened = step(arc);
    }
    return opened;
  }

  private Optional<MigrationData> step(Arc arc) throws MigrationException {
    if (failure != null && failure.arc() == arc) {
      state = failure.leaves();
      throw new MigrationException(DeviceError.ARC_FAILED, "failed").withErrno(failure.errno());
    }
    if (arc == Arc.RESUMING_TO_STOP && session != null && !session.whole()) {
      boolean corrupt = session.refused;
      if (!corrupt || !acceptsCorruptData) {
        throw new MigrationException(DeviceError.ARC_FAILED, "not whole").withErrno(EINVAL);
      }
    }
    state = arc.to();
    if (arc.endsStream() && session != null) {
      session.ended = true;
    }
    if (arc.opensSaveStream() || arc.opensLoadStream()) {
      session = new Session();
      if (arc.to() == DeviceState.STOP_COPY) {
        session.toRead = ByteBuffer.allocate(12).put(PRECOPIED).put(STOPPED).flip();
      } else if (arc.opensSaveStream()) {
        session.toRead = ByteBuffer.wrap(PRECOPIED);
      }
      return losesSession ? Optional.empty() : Optional.of(session);
    }
    if (arc.to() == DeviceState.STOP_COPY && session != null) {
      byte[] unread = new byte[session.toRead.remaining()];
      session.toRead.get(unread);
      session.toRead = ByteBuffer.allocate(unread.length + 7).put(unread).put(STOPPED).flip();
    }
    return strayFile ? Optional.of(new Session()) : Optional.empty();
  }

  @Override
  public OptionalLong stopCopyBytes() {
    return stopCopyBytes;
  }

  @Override
  public HostDeviceInfo info() {
    return new HostDeviceInfo(
        DeviceAddress.parse("fake:device"), "pci", 0x15b3, 0x101e, 0, 0, true, Map.of());
  }

  @Override
  public List<RegionInfo> regions() {
    return List.of();
  }

  @Override
  public Region region(int index) throws MigrationException {
    throw new MigrationException(DeviceError.BAD_REQUEST, "none");
  }

  @Override
  public Interrupts interrupts() {
    throw new UnsupportedOperationException();
  }

  @Override
  public DmaSpace dma() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void reset() throws MigrationException {
    calls.add("reset");
    if (resetFails) {
      throw new MigrationException(DeviceError.RESET_FAILED, "no reset").withErrno(EINVAL);
    }
    if (session != null) {
      session.ended = true;
    }
    if (!resetKeepsState) {
      state = DeviceState.RUNNING;
    }
  }

  @Override
  public Optional<HostDevice> companion(String role) {
    return Optional.empty();
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    return type == HostMigration.class ? Optional.of(type.cast(this)) : Optional.empty();
  }

  @Override
  public void close() {}
}
