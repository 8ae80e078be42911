package io.vferry.spi.state;

import java.util.Optional;

/**
 * A state of the device migration state machine, numbered as in {@code enum vfio_device_mig_state}
 * (Linux 6.12, {@code include/uapi/linux/vfio.h}).
 *
 * <p>The v1 interface of Linux 5.8 used other numbers for other things; 1, 2, 3 and 6 in particular
 * mean something else there.
 */
public enum DeviceState {
  /** Failed; only a reset leaves this state. Never a legal target. */
  ERROR(0),
  /** Starts no DMA, raises no interrupt, changes no state. */
  STOP(1),
  /** Fully operating; the state after open and after reset. */
  RUNNING(2),
  /** As {@link #STOP}, with a save stream open that ends when all state was delivered. */
  STOP_COPY(3),
  /** Stopped, with a load stream open; the internal state is undefined until this state is left. */
  RESUMING(4),
  /** Operating, but starts no DMA to other devices. Needs {@link FeatureSet#p2p()}. */
  RUNNING_P2P(5),
  /** Fully operating with a save stream open. Needs {@link FeatureSet#preCopy()}. */
  PRE_COPY(6),
  /** {@link #RUNNING_P2P} with a save stream open. Needs P2P and pre-copy. */
  PRE_COPY_P2P(7);

  private final int number;

  DeviceState(int number) {
    this.number = number;
  }

  /** Returns the number of this state in the kernel interface, 0 to 7. */
  public int number() {
    return number;
  }

  /**
   * Returns the state with the kernel's number, or empty for a number this version does not know.
   */
  public static Optional<DeviceState> ofNumber(int number) {
    return number >= 0 && number < values().length
        ? Optional.of(values()[number])
        : Optional.empty();
  }

  /** Whether a save stream is open in this state. Moves among such states keep the stream. */
  public boolean saving() {
    return this == PRE_COPY || this == PRE_COPY_P2P || this == STOP_COPY;
  }

  /** Whether the device operates in this state, perhaps without starting P2P. */
  public boolean running() {
    return this == RUNNING || this == RUNNING_P2P || this == PRE_COPY || this == PRE_COPY_P2P;
  }

  /** Whether the device operates but is forbidden to start DMA to other devices. */
  public boolean p2pQuiescent() {
    return this == RUNNING_P2P || this == PRE_COPY_P2P;
  }
}
