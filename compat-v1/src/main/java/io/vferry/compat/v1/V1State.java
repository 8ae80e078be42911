package io.vferry.compat.v1;

import io.vferry.spi.state.DeviceState;
import java.util.Optional;

/**
 * What the low three bits of {@code device_state} mean in v1: RUNNING 1, SAVING 2, RESUMING 4.
 *
 * <p>A type of its own, because the numbers mean something else in {@link DeviceState}: 1 is
 * running here and stopped there, 2 stop-copy and running, 3 pre-copy and stop-copy, 6 an error and
 * pre-copy.
 *
 * <p>Source: Linux 5.10, {@code include/uapi/linux/vfio.h}, {@code struct
 * vfio_device_migration_info}.
 */
public enum V1State {
  /** Neither running, saving nor resuming. */
  STOP(0, DeviceState.STOP),
  /** Running; the state after open and after reset. */
  RUNNING(1, DeviceState.RUNNING),
  /** Stopped and saving. */
  STOP_COPY(2, DeviceState.STOP_COPY),
  /** Running and saving. */
  PRE_COPY(3, DeviceState.PRE_COPY),
  /** Stopped and loading. */
  RESUMING(4, DeviceState.RESUMING),
  /** Broken: SAVING and RESUMING together. Only reset leads out; never a legal target. */
  ERROR(6, DeviceState.ERROR);

  /** The bit RUNNING. */
  public static final int RUNNING_BIT = 1;

  /** The bit SAVING. */
  public static final int SAVING_BIT = 2;

  /** The bit RESUMING. */
  public static final int RESUMING_BIT = 4;

  /**
   * The bit NDMA, which was proposed on the kernel's list in November 2021 and never merged: the
   * device runs but does no DMA. Outside {@link #MASK}.
   */
  public static final int NO_DMA_BIT = 8;

  /** The bits that v1 defines; a user preserves the others. */
  public static final int MASK = RUNNING_BIT | SAVING_BIT | RESUMING_BIT;

  private final int bits;
  private final DeviceState deviceState;

  V1State(int bits, DeviceState deviceState) {
    this.bits = bits;
    this.deviceState = deviceState;
  }

  /** Returns the bits of this state, 0 to 6. */
  public int bits() {
    return bits;
  }

  /** Returns the v2 state that means the same. */
  public DeviceState deviceState() {
    return deviceState;
  }

  /** Whether a user may write it. */
  public boolean settable() {
    return this != ERROR;
  }

  /** Whether data are saved in this state. */
  public boolean saving() {
    return this == STOP_COPY || this == PRE_COPY;
  }

  /**
   * Returns what a value of {@code device_state} means; bits outside {@link #MASK} do not count.
   *
   * @return empty for 5 and 7, which v1 declares invalid
   */
  public static Optional<V1State> ofBits(int value) {
    for (V1State state : values()) {
      if (state.bits == (value & MASK)) {
        return Optional.of(state);
      }
    }
    return Optional.empty();
  }

  /**
   * Returns how a v1 reader sees a v2 state. The states in which a device starts no P2P cannot be
   * expressed and look like those in which it does.
   */
  public static V1State of(DeviceState state) {
    return switch (state) {
      case ERROR -> ERROR;
      case STOP -> STOP;
      case RUNNING, RUNNING_P2P -> RUNNING;
      case STOP_COPY -> STOP_COPY;
      case RESUMING -> RESUMING;
      case PRE_COPY, PRE_COPY_P2P -> PRE_COPY;
    };
  }
}
