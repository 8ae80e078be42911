package io.vferry.vendor.mlx5.model;

import com.google.auto.service.AutoService;
import io.vferry.spi.driver.SpiLevel;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DeviceParameters;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.ResetCount;
import io.vferry.spi.host.SharedParts;
import io.vferry.spi.model.DeviceModel;
import io.vferry.spi.model.GuestSoftware;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Virtual functions of a ConnectX card whose firmware takes the real commands, by the queue of the
 * physical function, over DMA.
 *
 * <p>Parameters of an address; sizes are written as {@code 64MiB}, times as {@code 500us}:
 *
 * <ul>
 *   <li>{@code pf} the name of the card, so that several functions can be on one; {@code vf} which
 *       function it is, from 0; all that follows up to the faults is the card's, and is said the
 *       same, or not at all, where a second function of it is opened
 *   <li>{@code vfs} how many functions there are, {@code first-vhca} the number by which commands
 *       name the first; {@code psid} and {@code firmware} have to be equal on both sides
 *   <li>{@code migration}, {@code multi-load}, {@code tracking-state}, {@code chunks}, {@code
 *       migration-state}, {@code page-tracking} capabilities; {@code chunk-size}; {@code
 *       track-ranges}, {@code track-page-min} and {@code -max}, {@code track-message-min} and
 *       {@code -max}, {@code track-space-min} and {@code -max} limits of the page tracker
 *   <li>{@code log-slots}, {@code log-stride} of the command queue; {@code boot-pages}, {@code
 *       init-pages}; {@code pf-vectors} interrupts of the physical function, {@code init-time};
 *       {@code command-timeout} that the firmware advises
 *   <li>{@code suspend-time}, {@code resume-time}, {@code query-time}, {@code save-time}, {@code
 *       load-time}, {@code command-time} how long commands take; {@code save-rate}, {@code
 *       load-rate} bytes in a second; {@code engines} how many SAVE and LOAD run at once, 0 for any
 *       number
 *   <li>{@code assume.} and an assumption, see {@link Mlx5Assumption}; {@code faults} a plan
 *   <li>the function's own: {@code state} size of its state, {@code dirty-rate} bytes of it that
 *       change in a second, {@code guest-boots} whether it has that state only once its guest has
 *       started it, {@code migratable}, {@code seed}; its work {@code dma-rate}, {@code dma-area},
 *       {@code task-rate}, {@code task-time}, {@code p2p-rate}, {@code tick}
 * </ul>
 *
 * <p>A fault plan is a name or a list such as {@code SAVE_VHCA_STATE#2:status=0x9,*:lost-event}:
 * command, which occurrence, the kind of fault, its value.
 */
@AutoService(DeviceModel.class)
@SuppressWarnings("exports") // The annotation is for the compiler only.
@SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)
public final class Mlx5DeviceModel implements DeviceModel {

  static final String VIRTUAL = "mlx5-vf";
  static final String PHYSICAL = "mlx5-pf";
  static final String BUS = "sim";

  /** Creates the model; for {@link java.util.ServiceLoader}. */
  public Mlx5DeviceModel() {}

  @Override
  public List<String> names() {
    return List.of(VIRTUAL, PHYSICAL);
  }

  @Override
  public String description(String name) {
    return switch (name) {
      case VIRTUAL ->
          "mlx5-vf: a virtual function of a ConnectX card, moved by the card's firmware; parameters"
              + " pf, vf, state, dirty-rate, chunks, save-time, load-time, faults, assume.NAME and"
              + " others";
      case PHYSICAL ->
          "mlx5-pf: the physical function of a ConnectX card, which takes the commands; parameters"
              + " pf, vfs, faults, assume.NAME and others";
      default -> "no ConnectX function has the name " + name;
    };
  }

  @Override
  public HostDevice create(DeviceAddress address, OpenContext context) throws MigrationException {
    DeviceParameters in =
        new DeviceParameters("device " + context.deviceId(), address.parameters());
    String name = in.text("pf").orElse(context.deviceId());
    Mlx5CardSettings settings = new Mlx5CardSettings(in);
    Set<String> cardKeys = in.known();
    if (address.path().equals(PHYSICAL)) {
      in.finish();
      SharedParts.Lease<Mlx5PhysicalFunction> lease =
          Mlx5PhysicalFunction.lease(name, address, settings, cardKeys, context);
      return Mlx5PhysicalFunction.device(name, lease.part().card(), lease::close);
    }
    Mlx5FunctionSettings function = new Mlx5FunctionSettings(in);
    in.finish();
    return open(
        address,
        function,
        Mlx5PhysicalFunction.lease(name, address, settings, cardKeys, context),
        context);
  }

  private static HostDevice open(
      DeviceAddress address,
      Mlx5FunctionSettings settings,
      SharedParts.Lease<Mlx5PhysicalFunction> lease,
      OpenContext context)
      throws MigrationException {
    Mlx5Card card = lease.part().card();
    Mlx5VirtualFunction function;
    try {
      function = card.add(settings, context.deviceId());
    } catch (MigrationException e) {
      lease.close();
      throw e;
    }
    Map<Class<?>, Object> capabilities = new HashMap<>();
    capabilities.put(HostClock.class, context.clock());
    capabilities.put(ResetCount.class, (ResetCount) function::resetsCompleted);
    capabilities.put(Mlx5Bench.class, card);
    capabilities.put(GuestSoftware.class, new Mlx5GuestSoftware(settings.dmaPages));
    return new Mlx5FunctionDevice(
        new HostDeviceInfo(
            address,
            BUS,
            Mlx5ConfigRegion.VENDOR,
            Mlx5ConfigRegion.VIRTUAL_DEVICE,
            Mlx5ConfigRegion.MODEL_VENDOR,
            Mlx5ConfigRegion.SUBSYSTEM,
            false,
            Map.of(
                "vf-index",
                Integer.toString(settings.index),
                "firmware",
                card.settings().firmware,
                "psid",
                card.settings().psid)),
        List.of(new Mlx5GuestBar(function), new Mlx5Mailbox(function), function.config),
        function.interrupts,
        function.iommu,
        capabilities,
        lease.part().device(),
        () -> card.reset(function),
        () -> {
          card.close(function);
          lease.close();
        });
  }

  @Override
  public Optional<GuestSoftware> guestSoftware(HostDeviceInfo device) {
    return Mlx5GuestSoftware.knows(device)
        ? Optional.of(new Mlx5GuestSoftware(Mlx5GuestSoftware.USUAL_DMA_PAGES))
        : Optional.empty();
  }
}
