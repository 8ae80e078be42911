package io.vferry.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.runtime.journal.Journal;
import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.plan.Settings;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.Phase;
import io.vferry.spi.host.DeviceAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole migrations in one thread: nothing is lost, whatever the interleaving. */
class MigrationTest {

  static Manifest.Device device(String id, String address, String... peers) {
    return new Manifest.Device(
        id, DeviceAddress.parse(address), Optional.empty(), Optional.empty(), List.of(peers));
  }

  static Manifest manifest(Settings settings, Manifest.Device... devices) {
    return new Manifest(
        new Manifest.Vm("guest", "sim", 8 << 20, Map.of("vcpus", "2", "dirty-rate", "8MiB")),
        new ArrayList<>(List.of(devices)),
        settings);
  }

  /** The defaults, with deadlines that are short for a virtual clock. */
  static Settings quick() {
    Settings usual = Settings.defaults();
    return new Settings(
        usual.downtimeLimitMillis(),
        0,
        usual.connections(),
        usual.receiveWindowBytes(),
        200,
        500,
        400,
        usual.maxPrecopyRounds(),
        false,
        usual.accessPolicy(),
        usual.p2p());
  }

  static Manifest mixed() {
    return manifest(
        quick(),
        device("nic0", "sim:mlx5?state=1MiB&initial=256KiB&seed=1", "nic1"),
        device("nic1", "sim:mlx5?state=1MiB&initial=256KiB&seed=2", "nic0"),
        device("pds0", "sim:pds?p2p=false&seed=3"),
        device("acc0", "sim:hisi-acc?seed=4"));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void aMixedMachineMovesAndTheOracleAgrees(long seed) throws Exception {
    try (Simulation simulation = Simulation.of(seed, mixed())) {
      MigrationReport report = simulation.run();

      assertThat(report.failure()).as("seed %d", seed).isEmpty();
      assertThat(report.status()).isEqualTo(Phase.COMPLETED);
      assertThat(report.audit()).isPresent();
      assertThat(report.audit().get().counts()).containsKeys("dma-writes", "tasks", "p2p-messages");
      assertThat(report.audit().get().violations()).isEmpty();
      assertThat(simulation.sourceJournal()).contains(Journal.Entry.COMMIT);
      assertThat(simulation.destinationJournal()).contains(Journal.Entry.COMMIT);
      assertThat(simulation.auditAfterRunning(simulation.destination()).violations())
          .as("after the guest ran on, seed %d", seed)
          .isEmpty();
    }
  }

  @Test
  void whatMovesWhileTheGuestStandsStillHasNoBandwidthLimit() throws Exception {
    Manifest manifest = manifest(quick(), device("pds0", "sim:pds?state=1MiB&seed=3"));
    try (Simulation simulation = Simulation.of(1, manifest)) {
      MigrationReport report = simulation.run();

      assertThat(report.status()).isEqualTo(Phase.COMPLETED);
      assertThat(report.vfioTransferredBytes()).isGreaterThan(1 << 20);
      // This device saves only once it has stopped, so all that is limited is memory.
      assertThat(simulation.network().limitedBytes())
          .isEqualTo(report.ram().precopyBytes())
          .isPositive();
    }
  }

  @Test
  void theSameSeedGivesTheSameRun() throws Exception {
    assertThat(timeline(42)).isEqualTo(timeline(42));
  }

  private static String timeline(long seed) throws Exception {
    try (Simulation simulation = Simulation.of(seed, mixed())) {
      return simulation.run().toString();
    }
  }

  @Test
  void devicesTakeThePathOfTheirFeatures() throws Exception {
    try (Simulation simulation = Simulation.of(9, mixed())) {
      MigrationReport report = simulation.run();

      assertThat(report.devices().get(0).path())
          .extracting(Enum::name)
          .containsExactly("RUNNING", "PRE_COPY", "PRE_COPY_P2P", "STOP_COPY", "STOP", "RUNNING");
      assertThat(report.devices().get(2).path())
          .extracting(Enum::name)
          .containsExactly("RUNNING", "STOP", "STOP_COPY", "STOP", "RUNNING");
    }
  }
}
