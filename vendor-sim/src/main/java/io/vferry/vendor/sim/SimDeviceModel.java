package io.vferry.vendor.sim;

import com.google.auto.service.AutoService;
import io.vferry.spi.driver.SpiLevel;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.model.DeviceModel;
import io.vferry.spi.model.GuestSoftware;
import java.util.List;
import java.util.Optional;

/**
 * Simulated devices in the profiles of the Linux drivers that can migrate. They do DMA, talk peer
 * to peer, work on the guest's tasks, and number everything they do, so that a loss is seen.
 *
 * <p>Parameters of an address; sizes are written as {@code 64MiB}, times as {@code 500us}:
 *
 * <ul>
 *   <li>{@code state} size of the device's own memory, at most 16 GiB; {@code initial} how much of
 *       it is the first pre-copy image; {@code local-memory} size of the memory that the guest
 *       maps, at most 128 KiB; {@code dirty-rate} bytes of it that change in a second
 *   <li>{@code dma-rate} bytes in a second, {@code dma-area} where they go; {@code task-rate},
 *       {@code task-time}; {@code p2p-rate} messages in a second to each peer, {@code p2p-latency}
 *   <li>{@code p2p}, {@code pre-copy}, {@code dma-log} features; {@code iommu-log} whether the host
 *       logs DMA for a device that cannot; {@code increments} whether a pre-copy carries the
 *       device's memory; {@code host-migration} whether the host offers migration and keeps the
 *       registers
 *   <li>{@code service-time} of each arc, {@code service-time.RUNNING_P2P_TO_STOP} of one; {@code
 *       tick}, {@code seed}, {@code firmware}; {@code work=off} for a device that does nothing
 *   <li>faults: {@code fail-arc} with {@code fail-to} ({@code source} or {@code error}) and {@code
 *       fail-times}; {@code hang-arc} with {@code hang-time}; {@code fail-reset}; {@code sizes}
 *       ({@code zero}, {@code max}, {@code shrinking}); {@code reinit-after} bytes of pre-copy;
 *       {@code corrupt-at} and {@code truncate-at} an offset of the save stream; {@code drop-task}
 *       and {@code repeat-task} a number; {@code rogue} DMA while stopped
 * </ul>
 */
@AutoService(DeviceModel.class)
@SuppressWarnings("exports") // The annotation is for the compiler only.
@SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)
public final class SimDeviceModel implements DeviceModel {

  /** Creates the model; for {@link java.util.ServiceLoader}. */
  public SimDeviceModel() {}

  @Override
  public List<String> names() {
    return SimProfile.ALL.stream().map(SimProfile::name).toList();
  }

  @Override
  public String description(String name) {
    return SimProfile.named(name)
        .map(
            profile ->
                "%s, %s of state; parameters state, initial, dirty-rate, dma-rate,"
                        .formatted(profile.summary(), size(profile.stateBytes()))
                    + " task-rate, p2p-rate, service-time, seed and others")
        .orElse("no simulated device has the name " + name);
  }

  private static String size(long bytes) {
    if (bytes < 1 << 10) {
      return bytes + " B";
    }
    return bytes < 1 << 20 ? (bytes >> 10) + " KiB" : (bytes >> 20) + " MiB";
  }

  @Override
  public HostDevice create(DeviceAddress address, OpenContext context) throws MigrationException {
    return new SimHostDevice(address, context);
  }

  @Override
  public Optional<GuestSoftware> guestSoftware(HostDeviceInfo device) throws MigrationException {
    Optional<SimProfile> profile = SimProfile.of(device);
    return profile.isPresent() ? Optional.of(SimGuestSoftware.of(profile.get())) : Optional.empty();
  }
}
