package io.vferry.vendor.mlx5.model;

import io.vferry.vendor.mlx5.prm.Opcode;

/**
 * How long a command and its answer have to be, and which bits of its fixed part mean something.
 * Source: the structures {@code mlx5_ifc_*_in_bits} and {@code _out_bits} of Linux 6.12, {@code
 * include/linux/mlx5/mlx5_ifc.h}.
 *
 * @param inputBytes the fixed part
 * @param open whether a list follows
 * @param outputBytes the least room for the answer
 * @param used the bits in use of the dwords at 8 and 12; all of them where nothing is known
 */
record Mlx5CommandLength(int inputBytes, boolean open, int outputBytes, long used) {

  private static final long ALL = -1;
  private static final int LEAST_ANSWER = 8;

  static Mlx5CommandLength of(Opcode opcode) {
    return switch (opcode) {
      case SUSPEND_VHCA, RESUME_VHCA -> fixed(16, 16, 0xffffL << 32);
      case QUERY_VHCA_MIGRATION_STATE -> fixed(16, 64, 0xc000ffffL << 32);
      case SAVE_VHCA_STATE -> fixed(32, 16, 0xc000ffffL << 32);
      case LOAD_VHCA_STATE -> fixed(32, 16, 0xffffL << 32);
      case QUERY_HCA_CAP -> fixed(16, 0x1010, 0xc000ffffL << 32);
      case SET_HCA_CAP -> fixed(0x1010, LEAST_ANSWER, 0xc000ffffL << 32);
      case QUERY_ISSI -> fixed(16, 0x70, 0);
      case SET_ISSI -> fixed(16, LEAST_ANSWER, 0xffffL << 32);
      case ENABLE_HCA -> fixed(16, LEAST_ANSWER, 0x8000ffffL << 32);
      case DISABLE_HCA -> fixed(16, LEAST_ANSWER, 0x8000ffffL << 32);
      case QUERY_PAGES -> fixed(16, 16, 0x8000ffffL << 32);
      case INIT_HCA -> fixed(32, LEAST_ANSWER, ALL);
      case TEARDOWN_HCA -> fixed(16, LEAST_ANSWER, 0xffffL << 32);
      case MANAGE_PAGES -> open(16, LEAST_ANSWER);
      case ACCESS_REG -> open(16, LEAST_ANSWER);
      case SET_DRIVER_VERSION -> open(16, LEAST_ANSWER);
      case CREATE_MKEY, CREATE_EQ, CREATE_CQ, CREATE_QP -> open(0x110, 16);
      case RST2INIT_QP, INIT2RTR_QP, RTR2RTS_QP -> fixed(0x110, LEAST_ANSWER, ALL);
      case ALLOC_PD, ALLOC_UAR -> fixed(16, 16, 0);
      case DEALLOC_PD, DEALLOC_UAR, DESTROY_MKEY, DESTROY_CQ, DESTROY_QP ->
          fixed(16, LEAST_ANSWER, 0xff_ffffL << 32);
      case DESTROY_EQ -> fixed(16, LEAST_ANSWER, 0xffL << 32);
      case CREATE_GENERAL_OBJECT -> open(0x10, 16);
      case MODIFY_GENERAL_OBJECT -> open(0x10, 16);
      case QUERY_GENERAL_OBJECT -> fixed(16, 0x40, ALL);
      case DESTROY_GENERAL_OBJECT -> fixed(16, 16, ALL);
    };
  }

  private static Mlx5CommandLength fixed(int inputBytes, int outputBytes, long used) {
    return new Mlx5CommandLength(inputBytes, false, outputBytes, used);
  }

  private static Mlx5CommandLength open(int inputBytes, int outputBytes) {
    return new Mlx5CommandLength(inputBytes, true, outputBytes, ALL);
  }

  boolean takesInput(int lengthBytes) {
    return open ? lengthBytes >= inputBytes : lengthBytes == inputBytes;
  }

  boolean takesOutput(int lengthBytes) {
    return lengthBytes >= outputBytes;
  }

  boolean reservedSet(Mlx5Message in) {
    return (in.qword(8) & ~used) != 0;
  }
}
