package io.vferry.vendor.hisiacc;

import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.tck.ConformanceTest;
import io.vferry.vendor.hisiacc.model.HisiAccDeviceModel;
import java.util.Optional;

/** What each driver promises, kept by this one. */
class HisiAccConformanceTest extends ConformanceTest {

  private static final String ADDRESS = "sim:hisi-zip-vf?queues=4&task-rate=20000&iommu-log=true";

  @Override
  public MigrationDriver driver() {
    return new HisiAccMigrationDriver();
  }

  @Override
  public HostDevice open(OpenContext context) throws MigrationException {
    return create(ADDRESS, context);
  }

  @Override
  public Optional<HostDevice> openForeign(OpenContext context) throws MigrationException {
    return Optional.of(create(ADDRESS.replace("queues=4", "queues=8"), context));
  }

  /** The kernel's stream has no checksum. */
  @Override
  public boolean checksummed() {
    return false;
  }

  private static HostDevice create(String address, OpenContext context) throws MigrationException {
    return new HisiAccDeviceModel().create(DeviceAddress.parse(address), context);
  }
}
