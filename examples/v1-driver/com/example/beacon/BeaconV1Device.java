package com.example.beacon;

import io.vferry.compat.v1.V1Device;
import io.vferry.compat.v1.V1State;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.util.Map;

/** One Beacon as the region of Linux 5.8 showed it: its whole state is one chunk. */
final class BeaconV1Device implements V1Device {

  private static final int WINDOW_OFFSET = 4096;
  private static final int EINVAL = 22;

  private final HostDevice host;
  private final BeaconRegisters registers;
  private final byte[] window;

  private boolean handedOut;
  private boolean collected;
  private boolean loaded;

  private BeaconV1Device(HostDevice host, BeaconRegisters registers, int stateBytes) {
    this.host = host;
    this.registers = registers;
    this.window = new byte[stateBytes];
  }

  static BeaconV1Device of(HostDevice host, BeaconRegisters registers) throws MigrationException {
    return new BeaconV1Device(host, registers, (int) registers.get(BeaconRegisters.STATE_BYTES));
  }

  private static MigrationException refused(String what) {
    return new MigrationException(DeviceError.BAD_REQUEST, what).withErrno(EINVAL);
  }

  private V1State state() throws MigrationException {
    return V1State.of(
        DeviceState.ofNumber((int) registers.get(BeaconRegisters.STATE))
            .orElseThrow(
                () -> new MigrationException(DeviceError.DEVICE_LOST, "the Beacon is gone")));
  }

  @Override
  public Map<String, String> describe() {
    return Map.of("state-bytes", Integer.toString(window.length));
  }

  @Override
  public long regionBytes() {
    return (long) WINDOW_OFFSET + window.length;
  }

  @Override
  public int readDeviceState() throws MigrationException {
    return state().bits();
  }

  @Override
  public void writeDeviceState(int bits) throws MigrationException {
    V1State next =
        V1State.ofBits(bits)
            .filter(V1State::settable)
            .orElseThrow(() -> refused("there is no state " + bits));
    V1State before = state();
    if (before == V1State.ERROR) {
      throw refused("a Beacon in error is reset first");
    }
    if (before == V1State.RESUMING && next != V1State.RESUMING) {
      if (!loaded) {
        throw refused("the state of a Beacon is loaded whole");
      }
      registers.writeState(window);
    }
    // The hardware moves last, so that nothing has to be undone. v1 wants each device to have a
    // pre-copy; a Beacon has nothing to give in it.
    registers.set(BeaconRegisters.STATE, next.deviceState().number());
    handedOut = false;
    collected = false;
    loaded = false;
  }

  @Override
  public long readPendingBytes() throws MigrationException {
    // The acknowledgement of the chunk that was handed out.
    collected |= handedOut;
    handedOut = false;
    return state() == V1State.STOP_COPY && !collected ? window.length : 0;
  }

  @Override
  public long readDataOffset() throws MigrationException {
    if (state() == V1State.STOP_COPY && !collected && !handedOut) {
      System.arraycopy(registers.readState(window.length), 0, window, 0, window.length);
      handedOut = true;
    }
    return WINDOW_OFFSET;
  }

  @Override
  public long readDataSize() {
    return handedOut ? window.length : 0;
  }

  @Override
  public void readData(long offset, ByteBuffer into) throws MigrationException {
    if (!handedOut || state() != V1State.STOP_COPY) {
      throw refused("no chunk was handed out");
    }
    into.put(window, at(offset, into.remaining()), into.remaining());
  }

  @Override
  public void writeData(long offset, ByteBuffer from) throws MigrationException {
    if (state() != V1State.RESUMING) {
      throw refused("a Beacon takes data only while it resumes");
    }
    from.get(window, at(offset, from.remaining()), from.remaining());
  }

  @Override
  public void writeDataSize(long lengthBytes) throws MigrationException {
    if (state() != V1State.RESUMING || loaded || lengthBytes != window.length) {
      throw refused("a Beacon takes its state once, in one piece of " + window.length + " bytes");
    }
    loaded = true;
  }

  private int at(long offset, int lengthBytes) throws MigrationException {
    long first = offset - WINDOW_OFFSET;
    if (first < 0 || first > window.length - lengthBytes) {
      throw refused("%d bytes at %d leave the data window".formatted(lengthBytes, offset));
    }
    return (int) first;
  }

  @Override
  public void reset() throws MigrationException {
    host.reset();
  }

  @Override
  public void close() {}
}
