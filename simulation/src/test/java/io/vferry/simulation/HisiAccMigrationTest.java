package io.vferry.simulation;

import static io.vferry.simulation.MigrationTest.device;
import static io.vferry.simulation.MigrationTest.manifest;
import static io.vferry.simulation.MigrationTest.quick;
import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.plan.AttachedDevices;
import io.vferry.runtime.plan.Blocker;
import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.plan.P2pPlan;
import io.vferry.runtime.plan.P2pPolicy;
import io.vferry.runtime.plan.Plan;
import io.vferry.runtime.plan.Planner;
import io.vferry.runtime.plan.Settings;
import io.vferry.runtime.plan.Side;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.Phase;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.vm.GuestAudit;
import io.vferry.vendor.sim.SimClock;
import io.vferry.vendor.sim.SimMigrationDriver;
import io.vferry.vendor.sim.SimVmAdaptor;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Machines with HiSilicon accelerators: moved, planned, and refused. */
class HisiAccMigrationTest {

  private static final String ZIP =
      "sim:hisi-zip-vf?queues=4&depth=8&task-rate=20000&iommu-log=true";
  private static final String SEC =
      "sim:hisi-sec-vf?queues=2&qm=4&windows=true&task-rate=10000&iommu-log=true";

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void acceleratorsMoveWithWorkInFlight(long seed) throws Exception {
    Manifest manifest = manifest(quick(), device("zip0", ZIP), device("sec0", SEC));
    try (Simulation simulation = Simulation.of(seed, manifest)) {
      MigrationReport report = simulation.run();

      assertThat(report.failure()).as("seed %d", seed).isEmpty();
      assertThat(report.status()).isEqualTo(Phase.COMPLETED);
      assertThat(report.audit().orElseThrow().violations()).as("seed %d", seed).isEmpty();
      assertThat(report.audit().get().counts().get("tasks")).isPositive();
      assertThat(report.audit().get().counts().get("tasks-in-flight-when-moved")).isPositive();
      assertThat(report.devices().get(0).path())
          .extracting(Enum::name)
          .containsExactly("RUNNING", "PRE_COPY", "STOP_COPY", "STOP", "RUNNING");
      long before = report.audit().get().counts().get("tasks");
      GuestAudit.Verdict after = simulation.auditAfterRunning(simulation.destination());
      assertThat(after.violations()).as("after the guest ran on, seed %d", seed).isEmpty();
      assertThat(after.counts().get("tasks")).isGreaterThan(before);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "queues=8,                queue-count is 4 there and 8 here",
    "queues=4&isolation=true, doorbell-isolation is off there and on here",
    "queues=4&capabilities=1, function-capabilities is 0x601 there and 0x1 here"
  })
  void aDestinationThatDoesNotFitIsRefusedBeforeTheGuestStops(String there, String difference)
      throws Exception {
    Manifest manifest = manifest(quick(), moved(ZIP, "sim:hisi-zip-vf?iommu-log=true&" + there));
    Plan plan = plan(manifest);
    assertThat(plan.blockers())
        .singleElement()
        .matches(blocker -> blocker.code() == Blocker.Code.INCOMPATIBLE_DESTINATION)
        .matches(blocker -> blocker.reason().contains(difference), difference);
    try (Simulation simulation = Simulation.of(1, manifest)) {
      MigrationReport report = simulation.run();
      assertThat(report.status()).isNotEqualTo(Phase.COMPLETED);
      assertThat(report.failure().orElseThrow().toString()).contains(difference.split(" ")[0]);
      // The guest goes on where it was.
      assertThat(simulation.auditAfterRunning(simulation.source()).violations()).isEmpty();
    }
  }

  private static Manifest.Device moved(String from, String to) {
    return new Manifest.Device(
        "zip0",
        DeviceAddress.parse(from),
        Optional.of(DeviceAddress.parse(to)),
        Optional.empty(),
        List.of());
  }

  @Test
  void aloneItHasNoPeersToQuiesceFor() throws Exception {
    Plan plan = plan(manifest(quick(), device("zip0", ZIP), device("nic0", "sim:mlx5")));
    assertThat(plan.blockers()).isEmpty();
    assertThat(plan.p2p().mode()).isEqualTo(P2pPlan.Mode.NO_PEERS);
  }

  @Test
  void withPeersItIsRefused() throws Exception {
    Manifest manifest = manifest(quick(), device("zip0", ZIP), device("nic0", "sim:mlx5", "zip0"));
    Plan refused = plan(manifest);
    assertThat(refused.p2p().mode()).isEqualTo(P2pPlan.Mode.IMPOSSIBLE);
    assertThat(refused.blockers())
        .singleElement()
        .matches(blocker -> blocker.code() == Blocker.Code.MISSING_P2P)
        .matches(
            blocker -> blocker.reason().contains("device 'zip0' cannot quiesce (no RUNNING_P2P)"));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void withPeersThatAreNotMappedItMoves(long seed) throws Exception {
    Manifest manifest =
        manifest(unmapping(), device("zip0", ZIP), device("nic0", "sim:mlx5", "zip0"));
    Plan plan = plan(manifest);
    assertThat(plan.blockers()).isEmpty();
    assertThat(plan.p2p().mode()).isEqualTo(P2pPlan.Mode.UNMAPPED);
    try (Simulation simulation = Simulation.of(seed, manifest)) {
      MigrationReport report = simulation.run();
      assertThat(report.failure()).as("seed %d", seed).isEmpty();
      assertThat(report.status()).isEqualTo(Phase.COMPLETED);
      assertThat(report.audit().orElseThrow().violations()).as("seed %d", seed).isEmpty();
      assertThat(simulation.auditAfterRunning(simulation.destination()).violations()).isEmpty();
    }
  }

  private static Settings unmapping() {
    Settings usual = quick();
    return new Settings(
        usual.downtimeLimitMillis(),
        usual.maxBandwidthBytesPerSecond(),
        usual.connections(),
        usual.receiveWindowBytes(),
        usual.arcDeadlineMillis(),
        usual.setupDeadlineMillis(),
        usual.switchoverDeadlineMillis(),
        usual.maxPrecopyRounds(),
        usual.forceSwitchover(),
        usual.accessPolicy(),
        P2pPolicy.UNMAP);
  }

  private static Plan plan(Manifest manifest) throws Exception {
    Catalogue catalogue = Simulation.catalogue(new SimMigrationDriver(), new SimVmAdaptor());
    SimClock clock = new SimClock(1);
    try (AttachedDevices source = AttachedDevices.open(manifest, Side.SOURCE, catalogue, clock);
        AttachedDevices destination =
            AttachedDevices.open(manifest, Side.DESTINATION, catalogue, clock)) {
      return new Planner(catalogue).plan(manifest, source.attachments(), destination.attachments());
    }
  }
}
