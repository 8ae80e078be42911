package io.vferry.compat.v1;

import io.vferry.spi.state.FeatureSet;

/**
 * What a v1 driver understands by "not running". The merged interface did not say whether a device
 * without RUNNING may still take what other devices send it, so devices that talk to each other
 * could not be stopped one after the other. Two answers were proposed on the kernel's list in
 * October and November 2021; neither was merged.
 */
public enum V1Stopping {
  /** Stopped entirely, at once. Devices that do P2P with it cannot be migrated together. */
  AT_ONCE(FeatureSet.STOP_COPY_PRE_COPY),
  /**
   * An explicit bit, {@link V1State#NO_DMA_BIT}: with RUNNING the device starts no DMA, and takes
   * what others send it. Without RUNNING it has stopped entirely.
   */
  NO_DMA_BIT(FeatureSet.STOP_COPY_P2P_PRE_COPY),
  /**
   * Implicit: without RUNNING the device starts nothing, and takes what others send it until {@code
   * pending_bytes} is read. That read fails until all devices of the machine are without RUNNING.
   */
  QUIESCENT_POINT(FeatureSet.STOP_COPY_P2P_PRE_COPY);

  private final FeatureSet features;

  V1Stopping(FeatureSet features) {
    this.features = features;
  }

  /**
   * Returns what such a driver can do in v2: pre-copy always, because v1 demands it, and P2P where
   * there is a state of the device that means it.
   */
  public FeatureSet features() {
    return features;
  }
}
