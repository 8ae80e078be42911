package io.vferry.runtime.plan;

import java.util.Locale;

/** How the memory that a device writes by DMA is found while the guest runs. */
public enum DirtyTracking {
  /** The device keeps a log of it. */
  DEVICE_LOG("the device logs what it writes"),
  /** Nobody knows; all guest memory counts as written until the device has stopped. */
  ALL_DIRTY("the device has no DMA log: all guest memory is sent again after it has stopped");

  private final String note;

  DirtyTracking(String note) {
    this.note = note;
  }

  /** Returns one sentence for people. */
  public String note() {
    return note;
  }

  /** Returns the name as programs read it, in kebab case. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
