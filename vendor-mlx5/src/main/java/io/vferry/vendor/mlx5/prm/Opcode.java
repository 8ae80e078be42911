package io.vferry.vendor.mlx5.prm;

import java.util.Optional;

/** Commands of the device, by the names of Linux 6.12, {@code include/linux/mlx5/mlx5_ifc.h}. */
public enum Opcode {
  QUERY_HCA_CAP(0x100),
  INIT_HCA(0x102),
  TEARDOWN_HCA(0x103),
  ENABLE_HCA(0x104),
  DISABLE_HCA(0x105),
  QUERY_PAGES(0x107),
  MANAGE_PAGES(0x108),
  SET_HCA_CAP(0x109),
  QUERY_ISSI(0x10a),
  SET_ISSI(0x10b),
  SET_DRIVER_VERSION(0x10d),
  SUSPEND_VHCA(0x115),
  RESUME_VHCA(0x116),
  QUERY_VHCA_MIGRATION_STATE(0x117),
  SAVE_VHCA_STATE(0x118),
  LOAD_VHCA_STATE(0x119),
  CREATE_MKEY(0x200),
  DESTROY_MKEY(0x202),
  CREATE_EQ(0x301),
  DESTROY_EQ(0x302),
  CREATE_CQ(0x400),
  DESTROY_CQ(0x401),
  CREATE_QP(0x500),
  DESTROY_QP(0x501),
  RST2INIT_QP(0x502),
  INIT2RTR_QP(0x503),
  RTR2RTS_QP(0x504),
  ALLOC_PD(0x800),
  DEALLOC_PD(0x801),
  ALLOC_UAR(0x802),
  DEALLOC_UAR(0x803),
  ACCESS_REG(0x805),
  CREATE_GENERAL_OBJECT(0xa00),
  MODIFY_GENERAL_OBJECT(0xa01),
  QUERY_GENERAL_OBJECT(0xa02),
  DESTROY_GENERAL_OBJECT(0xa03);

  private final int code;

  Opcode(int code) {
    this.code = code;
  }

  /** Returns the number that stands in the command. */
  public int code() {
    return code;
  }

  /** Returns the command with a number, if it is one of these. */
  public static Optional<Opcode> of(int code) {
    for (Opcode opcode : values()) {
      if (opcode.code == code) {
        return Optional.of(opcode);
      }
    }
    return Optional.empty();
  }
}
