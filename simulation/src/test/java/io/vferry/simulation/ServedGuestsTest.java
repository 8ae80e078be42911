package io.vferry.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.host.linux.driver.VfioMigrationDriver;
import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.discovery.Discovery;
import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.Phase;
import io.vferry.simulation.TamperedDevice.Fault;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Availability;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostBackend;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.model.DeviceModel;
import io.vferry.spi.vm.GuestAudit;
import io.vferry.vendor.hisiacc.HisiAccMigrationDriver;
import io.vferry.vendor.hisiacc.model.HisiAccDeviceModel;
import io.vferry.vendor.mlx5.Mlx5MigrationDriver;
import io.vferry.vendor.mlx5.model.Mlx5DeviceModel;
import io.vferry.vendor.sim.SimDeviceModel;
import io.vferry.vendor.sim.SimMigrationDriver;
import io.vferry.vendor.sim.SimVmAdaptor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The guest finds its driver for a model behind vfio-user by its PCI numbers, works through the
 * move, and proves afterwards what the device did; and it finds out when the device did it wrong.
 */
@Timeout(120)
@EnabledOnOs(OS.LINUX)
class ServedGuestsTest {

  private static final long SEED = 1;

  /** Which vendor's model is served. */
  enum Vendor {
    MLX5("mlx5-vf?state=256KiB&dma-rate=32MiB&task-rate=10000") {
      @Override
      DeviceModel model() {
        return new Mlx5DeviceModel();
      }

      @Override
      MigrationDriver driver() {
        return new Mlx5MigrationDriver();
      }
    },
    HISI("hisi-zip-vf?queues=4&iommu-log=true") {
      @Override
      DeviceModel model() {
        return new HisiAccDeviceModel();
      }

      @Override
      MigrationDriver driver() {
        return new HisiAccMigrationDriver();
      }
    },
    SIM("mlx5?state=512KiB&initial=64KiB&service-time=0&task-rate=10000&dma-rate=32MiB") {
      @Override
      DeviceModel model() {
        return new SimDeviceModel();
      }

      @Override
      MigrationDriver driver() {
        return new SimMigrationDriver();
      }
    };

    final String address;

    Vendor(String address) {
      this.address = address;
    }

    abstract DeviceModel model();

    abstract MigrationDriver driver();
  }

  /** Serves {@code served:MODEL?...} and opens it as a client. */
  private record ServedBackend(ServedHosts hosts) implements HostBackend {

    @Override
    public String scheme() {
      return "served";
    }

    @Override
    public Availability availability() {
      return Availability.yes();
    }

    @Override
    public List<HostDeviceInfo> list() {
      return List.of();
    }

    @Override
    public HostDevice open(DeviceAddress address, OpenContext context) throws MigrationException {
      DeviceAddress model = new DeviceAddress("sim", address.path(), address.parameters());
      return hosts.open(model.toString(), context);
    }
  }

  private static Catalogue catalogue(Vendor vendor, boolean raw, Fault fault, boolean messages) {
    ServedHosts hosts =
        new ServedHosts(
            new TamperedDevice.Model(vendor.model(), fault),
            raw ? Optional.empty() : Optional.of(vendor.driver()),
            Map.of("dma", messages ? "messages" : "fds"));
    return Discovery.embedded(
        List.of(new VfioMigrationDriver(), vendor.driver()),
        List.of(new ServedBackend(hosts)),
        List.of(new SimDeviceModel(), new Mlx5DeviceModel(), new HisiAccDeviceModel()),
        List.of(new SimVmAdaptor()));
  }

  private static Manifest manifest(Vendor vendor, boolean raw) {
    return manifest(vendor, raw, "");
  }

  private static Manifest manifest(Vendor vendor, boolean raw, String more) {
    return new Manifest(
        new Manifest.Vm("guest", "sim", 8 << 20, Map.of("shared-memory", "true")),
        new ArrayList<>(
            List.of(
                new Manifest.Device(
                    "dev0",
                    DeviceAddress.parse("served:" + vendor.address + more),
                    Optional.empty(),
                    Optional.of(raw ? vendor.driver().info().id() : "vfio"),
                    List.of()))),
        MigrationTest.quick());
  }

  @ParameterizedTest
  @CsvSource({
    "MLX5, false, true",
    "MLX5, false, false",
    "MLX5, true, true",
    "MLX5, true, false",
    "HISI, false, false",
    "HISI, true, false",
    "SIM, true, true",
    "SIM, true, false"
  })
  void aGuestAtWorkLosesNothing(Vendor vendor, boolean raw, boolean messages) throws Exception {
    Catalogue catalogue = catalogue(vendor, raw, Fault.NONE, messages);
    try (Simulation simulation = Simulation.of(SEED, manifest(vendor, raw), catalogue, catalogue)) {
      MigrationReport report = simulation.run();

      assertThat(report.failure()).isEmpty();
      assertThat(report.status()).isEqualTo(Phase.COMPLETED);
      GuestAudit.Verdict audit = report.audit().orElseThrow();
      assertThat(audit.violations()).isEmpty();
      assertThat(audit.counts().get("tasks")).as(audit.toString()).isGreaterThan(20);
      GuestAudit.Verdict later = simulation.auditAfterRunning(simulation.destination());
      assertThat(later.violations()).as("after the guest ran on").isEmpty();
      assertThat(later.counts().get("tasks")).isGreaterThan(audit.counts().get("tasks"));
      assertThat(later.counts().get("device-resets")).isZero();
    }
  }

  @ParameterizedTest
  @EnumSource(value = Fault.class, mode = EnumSource.Mode.EXCLUDE, names = "NONE")
  void whatAFunctionOfACardDoesWrongIsFound(Fault fault) throws Exception {
    found(Vendor.MLX5, fault);
  }

  @ParameterizedTest
  @EnumSource(value = Fault.class, mode = EnumSource.Mode.EXCLUDE, names = "NONE")
  void whatASimulatedDeviceDoesWrongIsFound(Fault fault) throws Exception {
    found(Vendor.SIM, fault);
  }

  private static void found(Vendor vendor, Fault fault) throws Exception {
    Catalogue source = catalogue(vendor, false, fault, true);
    Catalogue destination = catalogue(vendor, false, Fault.NONE, true);
    try (Simulation simulation =
        Simulation.of(SEED, manifest(vendor, false), source, destination)) {
      MigrationReport report = simulation.run();

      // So the guest stays where it was.
      assertThat(report.status()).isEqualTo(Phase.FAILED);
      assertThat(report.failure().orElseThrow().message())
          .startsWith("VF-2007")
          .contains("dev0: ", sign(fault));
      assertThat(report.failure().orElseThrow().sourceRuns()).isTrue();
    }
  }

  /** The vendor's own stream is in the server's hands, and is proved there. */
  @Test
  void aByteOfTheStateThatIsWrongIsFound() throws Exception {
    Catalogue catalogue = catalogue(Vendor.SIM, false, Fault.NONE, true);
    Manifest manifest = manifest(Vendor.SIM, false, "&corrupt-at=5000");
    Catalogue source = catalogue(Vendor.SIM, false, Fault.NONE, true);
    try (Simulation simulation = Simulation.of(SEED, manifest, source, catalogue)) {
      MigrationReport report = simulation.run();

      assertThat(report.status()).isEqualTo(Phase.FAILED);
      assertThat(report.failure().orElseThrow().sourceRuns()).isTrue();
      GuestAudit.Verdict later = simulation.auditAfterRunning(simulation.source());
      assertThat(later.violations()).isEmpty();
    }
  }

  /** What the audit says of a fault, in part. */
  private static String sign(Fault fault) {
    return switch (fault) {
      case LOSES_A_COMPLETION, REPEATS_A_COMPLETION -> "completion ring";
      case CORRUPTS_A_PAGE, STOPS_WRITING_A_PAGE -> "of the DMA area";
      case FORGETS_INTERRUPTS -> "were lost";
      case NONE -> "";
    };
  }

  /**
   * An accelerator's guest learns of results by interrupt only; it waits 5 s before it complains.
   */
  @Test
  void anInterruptThatAnAcceleratorForgetsIsFound() throws Exception {
    Catalogue source = catalogue(Vendor.HISI, false, Fault.NONE, false);
    Catalogue destination = catalogue(Vendor.HISI, false, Fault.FORGETS_INTERRUPTS, false);
    try (Simulation simulation =
        Simulation.of(SEED, manifest(Vendor.HISI, false), source, destination)) {
      MigrationReport report = simulation.run();
      assertThat(report.audit().orElseThrow().violations()).isEmpty();

      for (int second = 0; second < 7; second++) {
        simulation.pass(1_000_000_000L);
      }
      assertThat(simulation.auditAfterRunning(simulation.destination()).violations())
          .anySatisfy(
              violation -> assertThat(violation).contains("got no result, or no interrupt told"));
    }
  }
}
