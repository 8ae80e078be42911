package io.vferry.vendor.mlx5.model;

import io.vferry.vendor.mlx5.prm.CommandStatus;

/** The firmware's "no" to a command that reached it. */
final class Mlx5Refusal extends Exception {

  private static final long serialVersionUID = 1;
  private static final int SYNDROME_BITS = 0xffffff;

  private final int status;
  private final int syndrome;

  /**
   * Refuses with a status.
   *
   * @param reason one sentence for the bench's record; the driver sees a number made of it
   */
  Mlx5Refusal(CommandStatus status, String reason) {
    this(status.code(), reason.hashCode() & SYNDROME_BITS, reason);
  }

  Mlx5Refusal(int status, int syndrome, String reason) {
    super(reason, null, false, false);
    this.status = status;
    this.syndrome = syndrome;
  }

  int status() {
    return status;
  }

  int syndrome() {
    return syndrome;
  }

  String reason() {
    return String.valueOf(getMessage());
  }
}
