package io.vferry.vendor.mlx5.model;

import org.jspecify.annotations.Nullable;

/** Makes a page of a buffer fail while a command uses it, if the command's faults say so. */
final class Mlx5BadPage {

  private final Mlx5Iommu iommu;
  private final @Nullable Long address;

  private Mlx5BadPage(Mlx5Iommu iommu, @Nullable Long address) {
    this.iommu = iommu;
    this.address = address;
    if (address != null) {
      iommu.fail(address, true);
    }
  }

  static Mlx5BadPage of(Mlx5Command command, Mlx5Mkey mkey, Mlx5Iommu iommu) {
    long page = command.fault(Mlx5Fault.Kind.DMA_FAULT).map(Mlx5Fault::value).orElse(-1L);
    boolean inside = page >= 0 && page < mkey.pages.length;
    return new Mlx5BadPage(iommu, inside ? mkey.pages[(int) page] : null);
  }

  /** Lets the page work again. */
  void repair() {
    if (address != null) {
      iommu.fail(address, false);
    }
  }
}
