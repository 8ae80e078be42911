package io.vferry.simulation;

import io.vferry.compat.v1.V1MigrationDriver;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.state.Arc;
import io.vferry.tck.ConformanceTest;
import io.vferry.vendor.sim.SimDeviceModel;
import java.util.List;
import java.util.Optional;

/** A v1 driver under the adapter keeps the promises of a v2 driver. */
class V1ConformanceTest extends ConformanceTest {

  /** Without P2P it has the arcs that the adapter has. */
  private static final String ADDRESS = "sim:mlx5?state=300KiB&p2p=false";

  @Override
  public MigrationDriver driver() {
    return new V1MigrationDriver(List.of(V1OverSim.withWindow(64 << 10)));
  }

  private static HostDevice create(String address, OpenContext context) throws MigrationException {
    return new SimDeviceModel().create(DeviceAddress.parse(address), context);
  }

  @Override
  public HostDevice open(OpenContext context) throws MigrationException {
    return create(ADDRESS, context);
  }

  @Override
  public Optional<HostDevice> openForeign(OpenContext context) throws MigrationException {
    return Optional.of(create("sim:mlx5?state=200KiB&p2p=false", context));
  }

  @Override
  public Optional<HostDevice> openNewer(OpenContext context) throws MigrationException {
    return Optional.of(create(ADDRESS + "&firmware=2", context));
  }

  @Override
  public Optional<HostDevice> openRefusing(Arc arc, OpenContext context) throws MigrationException {
    return Optional.of(create(ADDRESS + "&fail-arc=" + arc.name() + "&fail-times=1", context));
  }
}
