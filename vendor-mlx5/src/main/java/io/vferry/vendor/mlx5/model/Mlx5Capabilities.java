package io.vferry.vendor.mlx5.model;

import io.vferry.vendor.mlx5.prm.CapabilityType;
import org.jspecify.annotations.Nullable;

/**
 * The capability blocks of one function. The card's lock guards it. Layout: Linux 6.12, {@code
 * include/linux/mlx5/mlx5_ifc.h}, {@code mlx5_ifc_cmd_hca_cap_bits}, {@code _cmd_hca_cap_2_bits}
 * and {@code _adv_virtualization_cap_bits}.
 */
final class Mlx5Capabilities {

  static final int BLOCK_BYTES = 0x1000;

  private final Mlx5Message general = Mlx5Message.ofLength(BLOCK_BYTES);
  private final Mlx5Message general2 = Mlx5Message.ofLength(BLOCK_BYTES);
  private final Mlx5Message virtualization = Mlx5Message.ofLength(BLOCK_BYTES);
  private int checksum;
  private int logUarPage;
  private boolean mkeyByName;

  private Mlx5Capabilities(Mlx5CardSettings settings, int vhca) {
    general.bit(0x04, 31, true).field(0x04, 15, 0, vhca);
    general.field(0x1c, 21, 16, 23).field(0x34, 7, 0, 1).field(0x38, 28, 24, 30);
    general.field(0x3c, 3, 0, 1).bit(0x44, 24, true).bit(0x48, 13, true);
    general.field(0x64, 20, 16, 23).field(0xa4, 31, 0, 2);
    general2.bit(0x18, 23, settings.multiLoad).bit(0x18, 22, settings.trackingState);
    general2.bit(0x18, 15, settings.chunks).bit(0x18, 6, settings.migrationState);
  }

  static Mlx5Capabilities ofPhysicalFunction(Mlx5CardSettings settings) {
    Mlx5Capabilities capabilities = new Mlx5Capabilities(settings, 0);
    capabilities.general.bit(0x00, 0, true).bit(0x34, 24, true);
    capabilities.general.bit(0xac, 6, settings.pageTracking).bit(0xd0, 18, settings.migration);
    Mlx5Message virtualization = capabilities.virtualization;
    if (settings.pageTracking) {
      virtualization.field(0x0, 28, 24, 7).field(0x0, 23, 16, settings.trackRanges);
      virtualization.field(0x0, 15, 8, settings.logTrackSpaceMin);
      virtualization.field(0x0, 7, 0, settings.logTrackSpaceMax);
      virtualization.field(0x4, 28, 24, settings.logTrackMessageMin);
      virtualization.field(0x4, 20, 16, settings.logTrackMessageMax);
      virtualization.field(0x4, 12, 8, settings.logTrackPageMin);
      virtualization.field(0x4, 4, 0, settings.logTrackPageMax);
    }
    return capabilities;
  }

  static Mlx5Capabilities ofVirtualFunction(
      Mlx5CardSettings settings, int vhca, boolean migratable) {
    Mlx5Capabilities capabilities = new Mlx5Capabilities(settings, vhca);
    capabilities.general2.bit(0x10, 31, migratable);
    return capabilities;
  }

  /**
   * Returns a block.
   *
   * @param current what is on now, instead of what could be
   * @return null if there is no such block
   */
  @Nullable Mlx5Message block(int type, boolean current) {
    return switch (type) {
      case CapabilityType.GENERAL -> {
        Mlx5Message block = Mlx5Message.of(general.content().clone());
        block.field(0x40, 15, 14, current ? checksum : 3);
        block.field(0x90, 15, 0, current ? logUarPage : 0xf);
        yield block.bit(0x4c, 25, !current || mkeyByName);
      }
      case CapabilityType.GENERAL_2 -> Mlx5Message.of(general2.content().clone());
      case CapabilityType.ADVANCED_VIRTUALIZATION ->
          Mlx5Message.of(virtualization.content().clone());
      default -> null;
    };
  }

  /** Takes over what can be set. */
  void set(int type, Mlx5Message block) {
    if (type == CapabilityType.GENERAL) {
      checksum = block.field(0x40, 15, 14);
      logUarPage = block.field(0x90, 15, 0);
      mkeyByName = block.bit(0x4c, 25);
    } else if (type == CapabilityType.GENERAL_2) {
      general2.bit(0x10, 31, block.bit(0x10, 31));
    }
  }

  boolean checksums() {
    return checksum != 0;
  }

  boolean migratable() {
    return general2.bit(0x10, 31);
  }

  boolean chunks() {
    return general2.bit(0x18, 15);
  }

  boolean migration() {
    return general.bit(0xd0, 18);
  }

  void withdrawMigration() {
    general.bit(0xd0, 18, false);
    general2.bit(0x10, 31, false).bit(0x18, 23, false).bit(0x18, 22, false).bit(0x18, 15, false);
  }
}
