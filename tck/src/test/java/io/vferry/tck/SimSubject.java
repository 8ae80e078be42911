package io.vferry.tck;

import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.state.Arc;
import io.vferry.vendor.sim.SimDeviceModel;
import io.vferry.vendor.sim.SimMigrationDriver;
import java.util.Optional;

/** The simulated device in one profile, with its own driver. */
record SimSubject(String profile, String parameters) implements Subject {

  @Override
  public MigrationDriver driver() {
    return new SimMigrationDriver();
  }

  private static HostDevice create(String address, OpenContext context) throws MigrationException {
    return new SimDeviceModel().create(DeviceAddress.parse(address), context);
  }

  private String address() {
    return "sim:" + profile + "?" + parameters;
  }

  @Override
  public HostDevice open(OpenContext context) throws MigrationException {
    return create(address(), context);
  }

  @Override
  public Optional<HostDevice> openForeign(OpenContext context) throws MigrationException {
    // Another profile with the same features and amount of state.
    String other = profile.equals("virtio") ? "qat" : "virtio";
    boolean p2p = !profile.equals("hisi-acc");
    boolean preCopy = !profile.equals("pds") && !profile.equals("xe");
    return Optional.of(
        create("sim:%s?%s&p2p=%s&pre-copy=%s".formatted(other, parameters, p2p, preCopy), context));
  }

  @Override
  public Optional<HostDevice> openNewer(OpenContext context) throws MigrationException {
    return Optional.of(create(address() + "&firmware=2", context));
  }

  @Override
  public Optional<HostDevice> openRefusing(Arc arc, OpenContext context) throws MigrationException {
    return Optional.of(create(address() + "&fail-arc=" + arc.name() + "&fail-times=1", context));
  }
}
