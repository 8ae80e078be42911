package io.vferry.runtime.discovery;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Availability;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostBackend;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.OpenContext;
import java.lang.System.Logger.Level;
import java.util.List;

/**
 * A backend behind a fence. The devices it opens are not: drivers and guests use them register by
 * register, and backends recognise their own regions when peers are mapped.
 */
final class FencedBackend implements HostBackend {

  private static final System.Logger LOG = System.getLogger(FencedBackend.class.getName());

  private final Fence fence;
  private final HostBackend backend;
  private final String scheme;

  FencedBackend(Fence fence, HostBackend backend, String scheme) {
    this.fence = fence;
    this.backend = backend;
    this.scheme = scheme;
  }

  @Override
  public String scheme() {
    return scheme;
  }

  @Override
  public Availability availability() {
    try {
      return fence.call("availability", backend::availability);
    } catch (MigrationException broken) {
      return Availability.no(broken.detail());
    }
  }

  @Override
  public List<HostDeviceInfo> list() {
    try {
      return fence.call("list", () -> List.copyOf(backend.list()));
    } catch (MigrationException broken) {
      LOG.log(Level.WARNING, broken.getMessage());
      return List.of();
    }
  }

  @Override
  public HostDevice open(DeviceAddress address, OpenContext context) throws MigrationException {
    return fence.call("open", () -> backend.open(address, context));
  }
}
