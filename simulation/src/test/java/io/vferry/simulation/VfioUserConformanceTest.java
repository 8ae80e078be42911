package io.vferry.simulation;

import io.vferry.host.linux.driver.VfioMigrationDriver;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.state.Arc;
import io.vferry.tck.ConformanceTest;
import io.vferry.tck.Limits;
import io.vferry.vendor.hisiacc.HisiAccMigrationDriver;
import io.vferry.vendor.hisiacc.model.HisiAccDeviceModel;
import io.vferry.vendor.mlx5.Mlx5MigrationDriver;
import io.vferry.vendor.mlx5.model.Mlx5DeviceModel;
import io.vferry.vendor.sim.SimDeviceModel;
import io.vferry.vendor.sim.SimMigrationDriver;
import java.util.Optional;
import org.junit.jupiter.api.Nested;

/** The vendor-neutral driver keeps its promises over vfio-user, whatever is served. */
class VfioUserConformanceTest {

  private abstract static class Served extends ConformanceTest {

    private final ServedHosts hosts;
    private final String address;

    Served(ServedHosts hosts, String address) {
      this.hosts = hosts;
      this.address = address;
    }

    @Override
    public final MigrationDriver driver() {
      return new VfioMigrationDriver();
    }

    @Override
    public final HostDevice open(OpenContext context) throws MigrationException {
      return hosts.open(address, context);
    }

    final HostDevice openWith(String parameters, OpenContext context) throws MigrationException {
      return hosts.open(address + parameters, context);
    }

    /** What is in the stream is the served driver's business. */
    @Override
    public boolean checksummed() {
      return false;
    }
  }

  private abstract static class Sim extends Served {

    Sim(String profile) {
      super(
          new ServedHosts(new SimDeviceModel(), Optional.of(new SimMigrationDriver())),
          "sim:" + profile + "?state=300KiB&service-time=0");
    }

    @Override
    public Optional<HostDevice> openRefusing(Arc arc, OpenContext context)
        throws MigrationException {
      return Optional.of(openWith("&fail-arc=" + arc.name() + "&fail-times=1", context));
    }
  }

  @Nested
  class OverMlx5 extends Sim {
    OverMlx5() {
      super("mlx5");
    }
  }

  @Nested
  class OverVirtio extends Sim {
    OverVirtio() {
      super("virtio");
    }
  }

  @Nested
  class OverHisiAcc extends Sim {
    OverHisiAcc() {
      super("hisi-acc");
    }
  }

  @Nested
  class OverQat extends Sim {
    OverQat() {
      super("qat");
    }
  }

  @Nested
  class OverPds extends Sim {
    OverPds() {
      super("pds");
    }
  }

  @Nested
  class OverXe extends Sim {
    OverXe() {
      super("xe");
    }
  }

  @Nested
  class OverModelledAccelerator extends Served {
    OverModelledAccelerator() {
      super(
          new ServedHosts(new HisiAccDeviceModel(), Optional.of(new HisiAccMigrationDriver())),
          "sim:hisi-zip-vf?queues=4&task-rate=20000&iommu-log=true");
    }
  }

  @Nested
  class OverModelledNic extends Served {
    OverModelledNic() {
      super(
          new ServedHosts(new Mlx5DeviceModel(), Optional.of(new Mlx5MigrationDriver())),
          "sim:mlx5-vf?state=400KiB&chunk-size=128KiB");
    }

    /** The firmware has no command that asks what is suspended. */
    @Override
    public boolean tellsState() {
      return false;
    }
  }

  /**
   * Virtual and physical function are served as they are; their own driver runs here. Its memory
   * has no file, so all DMA of the card comes as messages, some hundred for a start of the driver.
   * So each arc fails at fewer accesses than in Mlx5ConformanceTest, which has no socket.
   */
  @Nested
  class OfNicsOwnDriver extends ConformanceTest {

    private final ServedHosts hosts = new ServedHosts(new Mlx5DeviceModel(), Optional.empty());

    @Override
    public MigrationDriver driver() {
      return new Mlx5MigrationDriver();
    }

    @Override
    public HostDevice open(OpenContext context) throws MigrationException {
      return hosts.open(
          "sim:mlx5-vf?state=400KiB&chunk-size=128KiB&boot-pages=2&init-pages=6", context);
    }

    @Override
    public boolean tellsState() {
      return false;
    }

    @Override
    protected Limits limits() {
      return new Limits(30_000_000_000L, 1, 3);
    }
  }

  /** The function is served as it is; its own driver runs here, over regions and orders. */
  @Nested
  class OfAnAcceleratorsOwnDriver extends ConformanceTest {

    private final ServedHosts hosts = new ServedHosts(new HisiAccDeviceModel(), Optional.empty());

    @Override
    public MigrationDriver driver() {
      return new HisiAccMigrationDriver();
    }

    @Override
    public HostDevice open(OpenContext context) throws MigrationException {
      return hosts.open("sim:hisi-zip-vf?queues=4&task-rate=20000&iommu-log=true", context);
    }

    @Override
    public boolean checksummed() {
      return false;
    }
  }

  /** The same of a simulated device, whose arcs are writes to its registers. */
  @Nested
  class OfASimulatedDevicesOwnDriver extends ConformanceTest {

    private static final String ADDRESS = "sim:mlx5?state=300KiB&service-time=0";
    private final ServedHosts hosts = new ServedHosts(new SimDeviceModel(), Optional.empty());

    @Override
    public MigrationDriver driver() {
      return new SimMigrationDriver();
    }

    @Override
    public HostDevice open(OpenContext context) throws MigrationException {
      return hosts.open(ADDRESS, context);
    }

    @Override
    public Optional<HostDevice> openRefusing(Arc arc, OpenContext context)
        throws MigrationException {
      return Optional.of(
          hosts.open(ADDRESS + "&fail-arc=" + arc.name() + "&fail-times=1", context));
    }
  }
}
