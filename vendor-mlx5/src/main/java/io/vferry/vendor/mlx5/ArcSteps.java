package io.vferry.vendor.mlx5;

/** Whether an arc has changed something in the device already; for one arc of one thread. */
final class ArcSteps {

  private boolean changed;

  /** Notes that from here on a failure leaves the device between two states. */
  void begin() {
    changed = true;
  }

  boolean changed() {
    return changed;
  }
}
