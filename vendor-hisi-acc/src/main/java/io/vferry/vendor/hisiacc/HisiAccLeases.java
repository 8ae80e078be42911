package io.vferry.vendor.hisiacc;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.SharedParts;

/**
 * What a driver has in common with others: with those of the chip's other functions, and with those
 * that are attached to the same function. It exists as long as one of them is attached, and is its
 * own where the host does not let them share.
 */
final class HisiAccLeases {

  private final SharedParts.Lease<HisiAccShare> share;
  private final SharedParts.Lease<HisiAccLife> life;

  private HisiAccLeases(
      SharedParts.Lease<HisiAccShare> share, SharedParts.Lease<HisiAccLife> life) {
    this.share = share;
    this.life = life;
  }

  /**
   * Leases it.
   *
   * @param number of the function
   * @param resets that its host has counted
   */
  static HisiAccLeases of(HostDevice pf, int number, long resets) throws MigrationException {
    SharedParts parts = pf.capability(SharedParts.class).orElseGet(SharedParts::new);
    return new HisiAccLeases(
        parts.lease(HisiAccShare.class, "", HisiAccShare::new, share -> {}),
        parts.lease(
            HisiAccLife.class,
            Integer.toString(number),
            () -> new HisiAccLife(resets),
            life -> {}));
  }

  HisiAccShare share() {
    return share.part();
  }

  HisiAccLife life() {
    return life.part();
  }

  void close() throws MigrationException {
    life.close();
    share.close();
  }
}
