package io.vferry.vendor.sim;

import com.google.auto.service.AutoService;
import io.vferry.spi.driver.SpiLevel;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.model.DeviceModel;
import java.util.List;

/**
 * Simulated devices in the profiles of the Linux drivers that can migrate. They do DMA, talk peer to
 * peer, work on the guest's tasks, and number everything they do, so that a loss is seen.
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
                "%s: %s, %d bytes of state; parameters state, initial, dirty-rate, dma-rate,"
                        .formatted(profile.name(), profile.summary(), profile.stateBytes())
                    + " task-rate, p2p-rate, service-time, seed and others")
        .orElse("no simulated device has the name " + name);
  }

  @Override
  public HostDevice create(DeviceAddress address, OpenContext context) throws MigrationException {
    return new SimHostDevice(address, context);
  }
}
