package io.vferry.vendor.mlx5.prm;

import java.util.Optional;

/**
 * What the firmware answers to a command that was delivered. Source: Linux 6.12, {@code
 * include/linux/mlx5/device.h} and {@code drivers/net/ethernet/mellanox/mlx5/core/cmd.c}.
 */
public enum CommandStatus {
  OK(0x00),
  INT_ERR(0x01),
  BAD_OP(0x02),
  BAD_PARAM(0x03),
  BAD_SYS_STATE(0x04),
  BAD_RES(0x05),
  RES_BUSY(0x06),
  NOT_READY(0x07),
  LIM(0x08),
  BAD_RES_STATE(0x09),
  IX(0x0a),
  NO_RES(0x0f),
  BAD_QP_STATE(0x10),
  BAD_PKT(0x30),
  BAD_SIZE_OUTS_CQES(0x40),
  BAD_INP_LEN(0x50),
  BAD_OUTP_LEN(0x51);

  private final int code;

  CommandStatus(int code) {
    this.code = code;
  }

  /** Returns the byte that stands in the answer. */
  public int code() {
    return code;
  }

  /** Returns the status with a number, if it is one of these. */
  public static Optional<CommandStatus> of(int code) {
    for (CommandStatus status : values()) {
      if (status.code == code) {
        return Optional.of(status);
      }
    }
    return Optional.empty();
  }
}
