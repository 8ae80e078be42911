package io.vferry.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.host.linux.driver.VfioMigrationDriver;
import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.discovery.Discovery;
import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.Phase;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Availability;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostBackend;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.vm.GuestAudit;
import io.vferry.vendor.sim.SimClock;
import io.vferry.vendor.sim.SimDeviceModel;
import io.vferry.vendor.sim.SimMigrationDriver;
import io.vferry.vendor.sim.SimVmAdaptor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Whole migrations of devices behind vfio-user with the guest at work. No file stands for the
 * guest's memory, so each access of a device to it is a message of the server.
 */
@Timeout(120)
@EnabledOnOs(OS.LINUX)
class ServedMigrationTest {

  private static final long STEP_NANOS = 50_000;

  /** Serves {@code served:PROFILE?...} and opens it as a client. */
  private static final class ServedBackend implements HostBackend {

    private final ServedHosts hosts;
    private Optional<SimClock> clock = Optional.empty();

    ServedBackend(Map<String, String> clientParameters) {
      hosts =
          new ServedHosts(
              new SimDeviceModel(), Optional.of(new SimMigrationDriver()), clientParameters);
    }

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
      clock = Optional.of((SimClock) context.clock());
      DeviceAddress model = new DeviceAddress("sim", address.path(), address.parameters());
      return hosts.open(model.toString(), context);
    }
  }

  private static Catalogue catalogue(ServedBackend backend) {
    return Discovery.embedded(
        List.of(new VfioMigrationDriver()),
        List.of(backend),
        List.of(new SimDeviceModel()),
        List.of(new SimVmAdaptor()));
  }

  /**
   * Profiles with and without a log of their own, with and without pre-copy, and one with memory
   * that the guest maps; orders over a second socket and over the only one.
   */
  @ParameterizedTest
  @CsvSource({
    "mlx5?state=1MiB&initial=256KiB, on, 1",
    "mlx5?state=1MiB&initial=256KiB, off, 2",
    "virtio?state=512KiB, on, 3",
    "virtio?state=512KiB, off, 4",
    "pds?state=512KiB, on, 5",
    "xe?state=512KiB, on, 6",
    "xe?state=512KiB, off, 7"
  })
  void aGuestAtWorkLosesNothing(String model, String twinSocket, long seed) throws Exception {
    Map<String, String> client = Map.of("dma", "messages", "twin-socket", twinSocket);
    Manifest manifest =
        MigrationTest.manifest(
            MigrationTest.quick(),
            MigrationTest.device(
                "nic0",
                "served:" + model + "&service-time=0&task-rate=10000&dma-rate=32MiB&seed=1"));
    ServedBackend backend = new ServedBackend(client);
    try (Simulation simulation =
        Simulation.of(seed, manifest, catalogue(backend), catalogue(new ServedBackend(client)))) {
      // The network takes no time by itself; so the guest and its device work in between.
      simulation.afterEachStep(
          () -> {
            backend.clock.orElseThrow().advance(STEP_NANOS);
            return false;
          });
      MigrationReport report = simulation.run();

      assertThat(report.failure()).as("seed %d", seed).isEmpty();
      assertThat(report.status()).isEqualTo(Phase.COMPLETED);
      assertThat(report.ram().transferredBytes())
          .as("some memory more than once: %s", report)
          .isGreaterThan(report.ram().totalBytes());
      GuestAudit.Verdict audit = report.audit().orElseThrow();
      assertThat(audit.violations()).as("seed %d", seed).isEmpty();
      assertThat(audit.counts().get("dma-writes")).as(audit.toString()).isGreaterThan(100);
      assertThat(audit.counts().get("tasks")).as(audit.toString()).isGreaterThan(100);
      GuestAudit.Verdict later = simulation.auditAfterRunning(simulation.destination());
      assertThat(later.violations()).as("after the guest ran on, seed %d", seed).isEmpty();
      assertThat(later.counts().get("tasks")).isGreaterThan(audit.counts().get("tasks"));
      assertThat(later.counts().get("dma-writes")).isGreaterThan(audit.counts().get("dma-writes"));
    }
  }
}
