package io.vferry.runtime.fake;

import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.driver.DriverMatch.Rank;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;

/** Serves the devices of one PCI vendor. */
public final class FakeDriver implements MigrationDriver {

  /** Makes the device of a driver. */
  @FunctionalInterface
  public interface Attach {
    /** Makes the device, or fails. */
    MigratableDevice attach(HostDevice host) throws MigrationException;
  }

  private final DriverInfo info;
  private final int vendorId;
  private final Rank rank;
  private final Attach attach;

  /**
   * Creates a driver.
   *
   * @param vendorId whose devices it serves; 0 for all
   * @param rank how well
   */
  public FakeDriver(String id, String version, int vendorId, Rank rank, Attach attach) {
    this.info = new DriverInfo(id, "a vendor", version);
    this.vendorId = vendorId;
    this.rank = rank;
    this.attach = attach;
  }

  @Override
  public DriverInfo info() {
    return info;
  }

  @Override
  public DriverMatch match(HostDeviceInfo device) {
    return vendorId == 0 || vendorId == device.vendorId()
        ? new DriverMatch(rank, info.id() + " knows it")
        : DriverMatch.none("it is from another vendor");
  }

  @Override
  public MigratableDevice attach(HostDevice device) throws MigrationException {
    return attach.attach(device);
  }
}
