package io.vferry.compat.v1;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.DeviceState;

/** Which {@code device_state} of a v1 driver means which v2 state, by its way of stopping. */
record V1Stops(V1Stopping stopping) {

  /** The bits that are this module's to write; the others are the driver's. */
  int mask() {
    return stopping == V1Stopping.NO_DMA_BIT ? V1State.MASK | V1State.NO_DMA_BIT : V1State.MASK;
  }

  /** Returns the bits for a state that a device of this kind can be asked for. */
  int bits(DeviceState state) {
    return switch (state) {
      case RUNNING_P2P ->
          stopping == V1Stopping.NO_DMA_BIT
              ? V1State.RUNNING.bits() | V1State.NO_DMA_BIT
              : V1State.STOP.bits();
      case PRE_COPY_P2P ->
          stopping == V1Stopping.NO_DMA_BIT
              ? V1State.PRE_COPY.bits() | V1State.NO_DMA_BIT
              : V1State.STOP_COPY.bits();
      case ERROR, STOP, RUNNING, STOP_COPY, RESUMING, PRE_COPY -> V1State.of(state).bits();
    };
  }

  /** Returns the state for bits that were read from a device of which nothing else is known. */
  DeviceState state(int bits) throws MigrationException {
    V1State state =
        V1State.ofBits(bits)
            .orElseThrow(
                () ->
                    new MigrationException(
                            DeviceError.IO_FAILED,
                            "the v1 driver shows the invalid device_state " + (bits & mask()))
                        .withErrno(V1Errno.EIO.number()));
    if ((bits & mask() & V1State.NO_DMA_BIT) != 0) {
      if (state == V1State.RUNNING) {
        return DeviceState.RUNNING_P2P;
      }
      if (state == V1State.PRE_COPY) {
        return DeviceState.PRE_COPY_P2P;
      }
    }
    return state.deviceState();
  }
}
