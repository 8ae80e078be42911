package io.vferry.compat.v1;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A v1 device that sends numbered messages to its peers while it runs, and counts those that come.
 * A frozen one loses what comes, as hardware does. Its state are its two counters.
 *
 * <p>With {@link V1Stopping#QUIESCENT_POINT} it takes messages after RUNNING was cleared, until
 * pending_bytes is read, and refuses that read while a device of the machine still runs.
 */
final class TalkingDevice implements V1Device {

  static final int WINDOW_OFFSET = 64;
  private static final int STATE_BYTES = 16;

  private final V1Stopping stopping;
  private final List<TalkingDevice> machine;
  final List<Integer> written = new ArrayList<>();
  private volatile int state = 1;
  private boolean frozen;
  private boolean collected;
  private boolean handedOut;
  private final ByteBuffer window = ByteBuffer.allocate(STATE_BYTES);
  long sent;
  long received;
  long lost;
  int refusedPolls;

  TalkingDevice(V1Stopping stopping, List<TalkingDevice> machine) {
    this.stopping = stopping;
    this.machine = machine;
    machine.add(this);
  }

  /** Does what a moment of work brings: a message to each peer. */
  void work() {
    boolean starts = (state & 1) != 0 && (state & V1State.NO_DMA_BIT) == 0;
    for (TalkingDevice peer : machine) {
      if (starts && peer != this) {
        sent++;
        peer.arrive();
      }
    }
  }

  private void arrive() {
    if (frozen) {
      lost++;
    } else {
      received++;
    }
  }

  @Override
  public long regionBytes() {
    return WINDOW_OFFSET + STATE_BYTES;
  }

  @Override
  public int readDeviceState() {
    return state;
  }

  @Override
  public void writeDeviceState(int bits) throws MigrationException {
    boolean known =
        stopping == V1Stopping.NO_DMA_BIT ? bits == 9 || bits == 11 || bits < 5 : bits < 5;
    if (!known || bits < 0) {
      throw new MigrationException(DeviceError.ARC_FAILED, "state " + bits).withErrno(22);
    }
    if (state == 4 && bits != 4) {
      sent = window.getLong(0);
      received = window.getLong(8);
    }
    if ((bits & 3) != (state & 3)) {
      collected = false;
      handedOut = false;
    }
    state = bits;
    written.add(bits);
    frozen = (bits & 1) == 0 && stopping != V1Stopping.QUIESCENT_POINT;
  }

  @Override
  public long readPendingBytes() throws MigrationException {
    if (handedOut) {
      collected = true;
    }
    if (state != 2) {
      return 0;
    }
    if (stopping == V1Stopping.QUIESCENT_POINT) {
      if (machine.stream().anyMatch(device -> (device.state & 1) != 0)) {
        refusedPolls++;
        throw new MigrationException(DeviceError.IO_FAILED, "others still run").withErrno(11);
      }
      frozen = true;
    }
    return collected ? 0 : STATE_BYTES;
  }

  @Override
  public long readDataOffset() {
    if (state == 2) {
      window.putLong(0, sent).putLong(8, received);
      handedOut = true;
    }
    return WINDOW_OFFSET;
  }

  @Override
  public long readDataSize() {
    return handedOut ? STATE_BYTES : 0;
  }

  @Override
  public void writeDataSize(long lengthBytes) throws MigrationException {
    if (lengthBytes != STATE_BYTES) {
      throw new MigrationException(DeviceError.DATA_CORRUPT, "not my state").withErrno(22);
    }
  }

  @Override
  public void readData(long offset, ByteBuffer into) {
    into.put(window.duplicate().clear().position((int) offset - WINDOW_OFFSET));
  }

  @Override
  public void writeData(long offset, ByteBuffer from) {
    window.duplicate().clear().position((int) offset - WINDOW_OFFSET).put(from);
  }

  @Override
  public void reset() {
    state = 1;
    frozen = false;
  }

  @Override
  public void close() {}
}
