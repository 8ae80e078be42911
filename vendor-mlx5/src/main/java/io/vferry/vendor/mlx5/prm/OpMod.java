package io.vferry.vendor.mlx5.prm;

/**
 * Modifiers of commands. Source: Linux 6.12, {@code include/linux/mlx5/mlx5_ifc.h} and {@code
 * include/linux/mlx5/device.h}; rdma-core, {@code providers/mlx5/mlx5_vfio.c}.
 */
public final class OpMod {

  /** SUSPEND_VHCA: the function starts no transaction any more. */
  public static final int SUSPEND_INITIATOR = 0;

  /** SUSPEND_VHCA: the function answers no more; its state does not change from here on. */
  public static final int SUSPEND_RESPONDER = 1;

  /** RESUME_VHCA: the function answers again. The numbers are the other way round than above. */
  public static final int RESUME_RESPONDER = 0;

  /** RESUME_VHCA: the function starts transactions again. */
  public static final int RESUME_INITIATOR = 1;

  /** QUERY_PAGES: what the firmware needs before the capabilities are set. */
  public static final int QUERY_PAGES_BOOT = 1;

  /** QUERY_PAGES: what the firmware needs before INIT_HCA. */
  public static final int QUERY_PAGES_INIT = 2;

  /** MANAGE_PAGES: the driver has no page to give. */
  public static final int MANAGE_PAGES_CANNOT_GIVE = 0;

  /** MANAGE_PAGES: the driver gives pages. */
  public static final int MANAGE_PAGES_GIVE = 1;

  /** MANAGE_PAGES: the driver wants pages back. */
  public static final int MANAGE_PAGES_TAKE = 2;

  /** ACCESS_REG: write. */
  public static final int ACCESS_REG_WRITE = 0;

  /** ACCESS_REG: read. */
  public static final int ACCESS_REG_READ = 1;

  /** QUERY_HCA_CAP, bit 0: the most the device could offer. */
  public static final int CAPABILITY_MAXIMUM = 0;

  /** QUERY_HCA_CAP, bit 0: what is on now. */
  public static final int CAPABILITY_CURRENT = 1;

  private OpMod() {}
}
