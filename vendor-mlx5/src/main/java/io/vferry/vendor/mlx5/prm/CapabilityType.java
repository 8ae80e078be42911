package io.vferry.vendor.mlx5.prm;

/**
 * Capability blocks, which stand in {@code op_mod} above the mode bit. Source: Linux 6.12, {@code
 * include/linux/mlx5/device.h}, {@code enum mlx5_cap_type}.
 */
public final class CapabilityType {

  /** The general block. */
  public static final int GENERAL = 0x00;

  /** The second general block. */
  public static final int GENERAL_2 = 0x20;

  /** Advanced virtualization: page tracking. */
  public static final int ADVANCED_VIRTUALIZATION = 0x26;

  private CapabilityType() {}
}
