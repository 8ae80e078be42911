package io.vferry.bench;

import io.vferry.compat.v1.V1Device;
import io.vferry.compat.v1.V1State;
import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A driver written for v1, of the simulated device: its data window is the device's own, as in the
 * mlx5 postings of 2021, so nothing is copied on the way to the client. Stops, saves and loads; no
 * pre-copy.
 */
final class V1Native implements V1Device {

  static final int WINDOW_OFFSET = 4096;

  private final MigratableDevice device;
  private final int windowBytes;
  private V1State state = V1State.RUNNING;
  private SaveStream save;
  private LoadStream load;
  private long leftBytes;
  private long chunkBytes;

  /**
   * Creates a driver.
   *
   * @param saveBytes how much its device saves, which a driver knows
   */
  V1Native(MigratableDevice device, int windowBytes, long saveBytes) {
    this.device = device;
    this.windowBytes = windowBytes;
    this.leftBytes = saveBytes;
  }

  @Override
  public long regionBytes() {
    return (long) WINDOW_OFFSET + windowBytes;
  }

  @Override
  public int readDeviceState() {
    return state.bits();
  }

  @Override
  public void writeDeviceState(int bits) throws MigrationException {
    V1State next = V1State.ofBits(bits).orElseThrow();
    switch (next) {
      case STOP ->
          perform(
              state == V1State.RESUMING
                  ? List.of(Arc.RESUMING_TO_STOP)
                  : List.of(Arc.RUNNING_TO_RUNNING_P2P, Arc.RUNNING_P2P_TO_STOP));
      case STOP_COPY -> perform(List.of(Arc.STOP_TO_STOP_COPY));
      case RESUMING -> perform(List.of(Arc.STOP_TO_RESUMING));
      case RUNNING, PRE_COPY, ERROR -> throw new IllegalStateException("not measured");
    }
    state = next;
  }

  private void perform(List<Arc> arcs) throws MigrationException {
    for (Arc arc : arcs) {
      ArcOutcome outcome = device.perform(arc);
      save = outcome instanceof ArcOutcome.Saving saving ? saving.stream() : save;
      load = outcome instanceof ArcOutcome.Loading loading ? loading.stream() : load;
    }
  }

  @Override
  public long readPendingBytes() {
    leftBytes -= chunkBytes;
    chunkBytes = 0;
    return leftBytes;
  }

  @Override
  public long readDataOffset() {
    chunkBytes = Math.min(windowBytes, leftBytes);
    return WINDOW_OFFSET;
  }

  @Override
  public long readDataSize() {
    return chunkBytes;
  }

  @Override
  public void readData(long offset, ByteBuffer into) throws MigrationException {
    save.read(into);
  }

  @Override
  public void writeData(long offset, ByteBuffer from) throws MigrationException {
    load.write(from);
  }

  @Override
  public void writeDataSize(long lengthBytes) {}

  @Override
  public void reset() throws MigrationException {
    device.reset();
  }

  @Override
  public void close() {}
}
