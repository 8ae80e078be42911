package io.vferry.vendor.mlx5.prm;

/** Types of event queue entries. Source: Linux 6.12, {@code include/linux/mlx5/device.h}. */
public final class EventType {

  /** Completion queues have something. */
  public static final int COMPLETION = 0x00;

  /** A completion queue failed. */
  public static final int CQ_ERROR = 0x04;

  /** A work queue failed for good. */
  public static final int WQ_CATASTROPHIC = 0x05;

  /** Commands completed. */
  public static final int COMMAND = 0x0a;

  /** The firmware wants pages, or gives them back. */
  public static final int PAGE_REQUEST = 0x0b;

  /** A work queue got an invalid request. */
  public static final int WQ_INVALID_REQUEST = 0x10;

  /** A work queue was refused access. */
  public static final int WQ_ACCESS = 0x11;

  /** A general object changed its state. */
  public static final int OBJECT_CHANGE = 0x27;

  private EventType() {}
}
