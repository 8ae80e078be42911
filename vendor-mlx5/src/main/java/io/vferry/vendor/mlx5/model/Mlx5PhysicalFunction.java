package io.vferry.vendor.mlx5.model;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.ResetCount;
import io.vferry.spi.host.SharedParts;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The physical function of a card: one for all virtual functions that are open together and name
 * the same card.
 */
final class Mlx5PhysicalFunction {

  private final Mlx5Card card;
  private final Map<String, String> parameters;
  private final Mlx5FunctionDevice device;

  private Mlx5PhysicalFunction(String name, DeviceAddress opener, Mlx5Card card) {
    this.card = card;
    this.parameters = opener.parameters();
    this.device = device(name, card, () -> {});
  }

  /**
   * Leases the card of an address.
   *
   * @param cardKeys which parameters are the card's; all addresses that name a card say the same
   */
  static SharedParts.Lease<Mlx5PhysicalFunction> lease(
      String name,
      DeviceAddress address,
      Mlx5CardSettings settings,
      Set<String> cardKeys,
      OpenContext context)
      throws MigrationException {
    SharedParts.Lease<Mlx5PhysicalFunction> lease =
        context
            .shared()
            .lease(
                Mlx5PhysicalFunction.class,
                name,
                () ->
                    new Mlx5PhysicalFunction(
                        name, address, new Mlx5Card(name, settings, context.clock())),
                physical -> physical.card.powerOff());
    for (Map.Entry<String, String> parameter : address.parameters().entrySet()) {
      String known = lease.part().parameters.get(parameter.getKey());
      if (cardKeys.contains(parameter.getKey()) && !parameter.getValue().equals(known)) {
        lease.close();
        throw new MigrationException(
            DeviceError.BAD_REQUEST,
            ("device %s: parameter %s of card %s is '%s' here and %s where the card was opened"
                    + " first; say the same, or say it only there")
                .formatted(
                    context.deviceId(),
                    parameter.getKey(),
                    name,
                    parameter.getValue(),
                    known == null ? "missing" : "'" + known + "'"));
      }
    }
    return lease;
  }

  Mlx5Card card() {
    return card;
  }

  /** Returns the function as companion of the virtual ones; closing it does nothing. */
  HostDevice device() {
    return device;
  }

  static Mlx5FunctionDevice device(String name, Mlx5Card card, Mlx5FunctionDevice.Action close) {
    Map<Class<?>, Object> capabilities = new HashMap<>();
    capabilities.put(HostClock.class, card.clock());
    capabilities.put(SharedParts.class, new SharedParts());
    capabilities.put(ResetCount.class, (ResetCount) card::resetsCompleted);
    capabilities.put(Mlx5Bench.class, card);
    return new Mlx5FunctionDevice(
        new HostDeviceInfo(
            new DeviceAddress("sim", Mlx5DeviceModel.PHYSICAL, Map.of("pf", name)),
            Mlx5DeviceModel.BUS,
            Mlx5ConfigRegion.VENDOR,
            Mlx5ConfigRegion.PHYSICAL_DEVICE,
            Mlx5ConfigRegion.MODEL_VENDOR,
            Mlx5ConfigRegion.SUBSYSTEM,
            false,
            Map.of("firmware", card.settings().firmware, "psid", card.settings().psid)),
        List.of(new Mlx5CardBar(card), card.config()),
        card.interrupts(),
        card.iommu(),
        capabilities,
        null,
        card::resetCard,
        close);
  }
}
