package io.vferry.simulation;

import static io.vferry.simulation.MigrationTest.device;
import static io.vferry.simulation.MigrationTest.quick;
import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.vendor.sim.SimMigrationDriver;
import io.vferry.vendor.sim.SimVmAdaptor;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A migration that loses something is found out: each test breaks one part and sees it refused. */
class OracleTest {

  /** Peers that talk a lot, and log their DMA, so that only what is dirty is sent. */
  private static Manifest talkers() {
    String talkative = "sim:mlx5?state=1MiB&initial=256KiB&tick=10us&p2p-rate=200000&seed=";
    return new Manifest(
        new Manifest.Vm(
            "guest", "sim", 8 << 20, Map.of("vcpus", "2", "dirty-rate", "256MiB", "tick", "10us")),
        List.of(device("nic0", talkative + 1, "nic1"), device("nic1", talkative + 2, "nic0")),
        quick());
  }

  @Test
  void skippingTheFinalDirtyPassIsFoundOut() throws Exception {
    try (Simulation simulation =
        Simulation.of(
            1,
            talkers(),
            new SimMigrationDriver(),
            new ForgetfulAdaptor(),
            new SimMigrationDriver())) {
      MigrationReport report = simulation.run();

      assertThat(report.failure()).isPresent();
      assertThat(report.failure().get().code()).isEqualTo(RuntimeError.AUDIT_FAILED.label());
      assertThat(report.failure().get().sourceRuns()).isTrue();
    }
  }

  @Test
  void stoppingADeviceBeforeAllAreQuiescedIsFoundOut() throws Exception {
    try (Simulation simulation =
        Simulation.of(
            2,
            talkers(),
            BrokenDriver.ignoringQuiescence(),
            new SimVmAdaptor(),
            BrokenDriver.ignoringQuiescence())) {
      MigrationReport report = simulation.run();

      assertThat(report.failure()).isPresent();
      assertThat(report.failure().get().code()).isEqualTo(RuntimeError.AUDIT_FAILED.label());
    }
  }

  @Test
  void startingADeviceBeforeItsPeerAcceptsIsFoundOut() throws Exception {
    try (Simulation simulation =
        Simulation.of(
            3,
            talkers(),
            new SimMigrationDriver(),
            new SimVmAdaptor(),
            BrokenDriver.startingEagerly())) {
      MigrationReport report = simulation.run();

      assertThat(report.failure()).isEmpty();
      List<String> violations = simulation.auditAfterRunning(simulation.destination()).violations();
      assertThat(violations).isNotEmpty();
    }
  }

  @Test
  void aLostChunkOfMemoryIsNoticedAndTheSourceRunsOn() throws Exception {
    try (Simulation simulation = Simulation.of(4, talkers())) {
      simulation.network().lose(chunk -> chunk.stream() == 0 && chunk.sequence() == 3);
      MigrationReport report = simulation.run();

      assertThat(report.failure()).isPresent();
      assertThat(report.failure().get().sourceRuns()).isTrue();
      assertThat(simulation.auditAfterRunning(simulation.source()).violations()).isEmpty();
    }
  }
}
