package io.vferry.runtime.discovery;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.model.DeviceModel;
import io.vferry.spi.model.GuestSoftware;
import java.util.List;
import java.util.Optional;

/** A device model behind a fence. */
final class FencedModel implements DeviceModel {

  private final Fence fence;
  private final DeviceModel model;
  private final List<String> names;

  FencedModel(Fence fence, DeviceModel model, List<String> names) {
    this.fence = fence;
    this.model = model;
    this.names = names;
  }

  @Override
  public List<String> names() {
    return names;
  }

  @Override
  public String description(String name) {
    try {
      return fence.call("description", () -> model.description(name));
    } catch (MigrationException broken) {
      return broken.detail();
    }
  }

  @Override
  public HostDevice create(DeviceAddress address, OpenContext context) throws MigrationException {
    return fence.call("create", () -> model.create(address, context));
  }

  @Override
  public Optional<GuestSoftware> guestSoftware(HostDeviceInfo device) throws MigrationException {
    return fence.call("guestSoftware", () -> model.guestSoftware(device));
  }
}
