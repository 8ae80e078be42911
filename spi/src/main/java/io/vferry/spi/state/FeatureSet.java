package io.vferry.spi.state;

import java.util.Optional;

/**
 * The combinations of migration features a device can have. Stop-copy is in each of them.
 *
 * <p>Flags are those of {@code struct vfio_device_feature_migration} (Linux 6.12, {@code
 * include/uapi/linux/vfio.h}): STOP_COPY 1, P2P 2, PRE_COPY 4; combinations without STOP_COPY are
 * reserved.
 */
public enum FeatureSet {
  /** {@link DeviceState#STOP_COPY} and {@link DeviceState#RESUMING} only. */
  STOP_COPY(1),
  /** Adds {@link DeviceState#RUNNING_P2P}. */
  STOP_COPY_P2P(3),
  /** Adds {@link DeviceState#PRE_COPY}. */
  STOP_COPY_PRE_COPY(5),
  /** All eight states. */
  STOP_COPY_P2P_PRE_COPY(7);

  private static final long KNOWN_FLAGS = 7;

  private final int flags;

  FeatureSet(int flags) {
    this.flags = flags;
  }

  /** Returns the kernel's flags for this set. */
  public int flags() {
    return flags;
  }

  /** Whether the device can stop starting DMA to its peers while it goes on running. */
  public boolean p2p() {
    return (flags & 2) != 0;
  }

  /** Whether the device can save while it runs. */
  public boolean preCopy() {
    return (flags & 4) != 0;
  }

  /** Returns the set with the given optional features. */
  public static FeatureSet of(boolean p2p, boolean preCopy) {
    if (p2p) {
      return preCopy ? STOP_COPY_P2P_PRE_COPY : STOP_COPY_P2P;
    }
    return preCopy ? STOP_COPY_PRE_COPY : STOP_COPY;
  }

  /**
   * Returns the set for the kernel's flags; bits this version does not know are ignored, as the
   * interface may grow.
   *
   * @return empty if the mandatory STOP_COPY bit is missing
   */
  public static Optional<FeatureSet> ofFlags(long flags) {
    for (FeatureSet set : values()) {
      if (set.flags == (flags & KNOWN_FLAGS)) {
        return Optional.of(set);
      }
    }
    return Optional.empty();
  }

  /** Whether a device with these features can ever be in {@code state}. */
  public boolean supports(DeviceState state) {
    return switch (state) {
      case ERROR, STOP, RUNNING, STOP_COPY, RESUMING -> true;
      case RUNNING_P2P -> p2p();
      case PRE_COPY -> preCopy();
      case PRE_COPY_P2P -> p2p() && preCopy();
    };
  }

  /**
   * Whether a device with these features performs {@code arc}: 6, 8, 9 and 15 arcs in the order of
   * the constants. A device with P2P has no direct way between running and stopped.
   */
  public boolean supports(Arc arc) {
    return switch (arc) {
      case RUNNING_TO_STOP, STOP_TO_RUNNING -> !p2p();
      case PRE_COPY_TO_STOP_COPY -> preCopy() && !p2p();
      default -> supports(arc.from()) && supports(arc.to());
    };
  }
}
