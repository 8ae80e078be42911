package io.vferry.vendor.mlx5.prm;

/**
 * Offsets of the initialisation segment at the start of BAR 0; all of it is big endian. Source:
 * Linux 6.12, {@code include/linux/mlx5/device.h}, {@code struct mlx5_init_seg}.
 */
public final class InitSegment {

  /** Firmware revision: minor 31:16, major 15:0. */
  public static final int FW_REV = 0x000;

  /** Command interface revision 31:16, firmware subminor 15:0. */
  public static final int CMDIF_REV_FW_SUB = 0x004;

  /** Command queue address, bits 63:32. */
  public static final int CMDQ_ADDR_HIGH = 0x010;

  /** Command queue address, bits 31:12; read: log2 of slots 7:4 and of the stride 3:0. */
  public static final int CMDQ_ADDR_LOW_SIZE = 0x014;

  /** One bit for each slot that holds a new command. */
  public static final int CMD_DOORBELL = 0x018;

  /** Bit 31: the firmware is not ready. */
  public static final int INITIALIZING = 0x1fc;

  /** The health buffer, 64 bytes. */
  public static final int HEALTH_BUFFER = 0x200;

  /** The health buffer's {@code fw_ver}, which reads as all ones when the device is gone. */
  public static final int HEALTH_FW_VER = 0x230;

  /** The health buffer's syndrome: bits 23:16. */
  public static final int HEALTH_SYND = 0x23c;

  /** The command timeout the firmware advises. */
  public static final int CMD_EXEC_TO = 0xff8;

  /** The initialisation timeout; not 0 if both timeouts are valid. */
  public static final int CMD_Q_INIT_TO = 0xffc;

  /** The free-running clock, bits 63:32; the lower half follows. */
  public static final int INTERNAL_TIMER_HIGH = 0x1000;

  /** Health syndrome 31:24, health counter 23:0. */
  public static final int HEALTH_COUNTER = 0x1010;

  /** The only command interface revision that is understood. */
  public static final int CMDIF_REV = 5;

  private InitSegment() {}
}
