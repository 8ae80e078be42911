package io.vferry.vendor.mlx5.prm;

import java.util.Optional;

/**
 * Whether a queue entry reached the firmware at all; bits 7 to 1 of its last byte. Source: Linux
 * 6.12, {@code drivers/net/ethernet/mellanox/mlx5/core/cmd.c}.
 */
public enum DeliveryStatus {
  DELIVERED(0x00),
  SIGNATURE_ERR(0x01),
  TOKEN_ERR(0x02),
  BAD_BLOCK_NUMBER(0x03),
  BAD_OUTPUT_POINTER(0x04),
  BAD_INPUT_POINTER(0x05),
  INTERNAL_ERR(0x06),
  INPUT_LENGTH_ERR(0x07),
  OUTPUT_LENGTH_ERR(0x08),
  RESERVED_NOT_ZERO(0x09),
  BAD_COMMAND_TYPE(0x10);

  private final int code;

  DeliveryStatus(int code) {
    this.code = code;
  }

  /** Returns the seven bits. */
  public int code() {
    return code;
  }

  /** Returns the status with a number, if it is one of these. */
  public static Optional<DeliveryStatus> of(int code) {
    for (DeliveryStatus status : values()) {
      if (status.code == code) {
        return Optional.of(status);
      }
    }
    return Optional.empty();
  }
}
