package io.vferry.simulation;

import static io.vferry.simulation.MigrationTest.device;
import static io.vferry.simulation.MigrationTest.manifest;
import static io.vferry.simulation.MigrationTest.quick;
import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.runtime.engine.OpenDevice;
import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.journal.Journal;
import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.Phase;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.state.DeviceState;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * However a migration fails, at most one side runs the guest, and before COMMIT it is the source.
 */
class MigrationFailureTest {

  private static final String NIC = "sim:mlx5?state=256KiB&initial=64KiB&seed=";

  private static Manifest pair() {
    return pair("", "");
  }

  /** Two talking devices; the first has faults on the source, the second on the destination. */
  private static Manifest pair(String sourceFault, String destinationFault) {
    Manifest.Device nic1 = device("nic1", NIC + 2, "nic0");
    Manifest.Device faulty =
        new Manifest.Device(
            nic1.id(),
            nic1.host(),
            Optional.of(DeviceAddress.parse(nic1.host() + destinationFault)),
            nic1.driver(),
            nic1.peers());
    Manifest.Device nic0 = device("nic0", NIC + 1 + sourceFault, "nic1");
    return manifest(
        quick(),
        new Manifest.Device(
            nic0.id(),
            nic0.host(),
            Optional.of(DeviceAddress.parse(NIC + 1)),
            nic0.driver(),
            nic0.peers()),
        faulty);
  }

  private static void sourceRunsOn(Simulation simulation, MigrationReport report) throws Exception {
    assertThat(report.status()).isIn(Phase.FAILED, Phase.CANCELLED);
    assertThat(report.failure()).isPresent();
    assertThat(report.failure().get().sourceRuns()).isTrue();
    assertThat(simulation.sourceJournal()).doesNotContain(Journal.Entry.COMMIT);
    assertThat(simulation.destinationJournal()).doesNotContain(Journal.Entry.COMMIT);
    assertThat(simulation.destinationReport().status()).isNotEqualTo(Phase.COMPLETED);
    for (OpenDevice device : simulation.source().devices()) {
      assertThat(device.device().state()).as(device.id()).isEqualTo(DeviceState.RUNNING);
    }
    assertThat(simulation.auditAfterRunning(simulation.source()).violations()).isEmpty();
  }

  @Test
  void aCutAfterAnyMessageLeavesTheGuestOnOneSide() throws Exception {
    int messages;
    try (Simulation simulation = Simulation.of(1, pair())) {
      assertThat(simulation.run().status()).isEqualTo(Phase.COMPLETED);
      messages = simulation.network().delivered();
    }
    assertThat(messages).isGreaterThan(8);
    for (int cutAfter = 1; cutAfter <= messages; cutAfter++) {
      try (Simulation simulation = Simulation.of(1, pair())) {
        int limit = cutAfter;
        simulation.afterEachStep(
            () -> {
              if (simulation.network().delivered() < limit) {
                return false;
              }
              simulation.network().cut();
              return true;
            });
        MigrationReport report = simulation.run();

        boolean destinationRuns = simulation.destinationReport().status() == Phase.COMPLETED;
        if (report.status() == Phase.COMPLETED) {
          assertThat(destinationRuns).as("cut after %d", limit).isTrue();
        } else if (simulation.sourceJournal().contains(Journal.Entry.COMMIT)) {
          assertThat(report.failure().orElseThrow().sourceRuns()).isFalse();
        } else {
          assertThat(destinationRuns).as("cut after %d", limit).isFalse();
          sourceRunsOn(simulation, report);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"RUNNING_TO_PRE_COPY", "PRE_COPY_TO_PRE_COPY_P2P", "PRE_COPY_P2P_TO_STOP_COPY"})
  void anArcThatFailsOnTheSourceIsRolledBack(String arc) throws Exception {
    try (Simulation simulation = Simulation.of(2, pair("&fail-times=1&fail-arc=" + arc, ""))) {
      MigrationReport report = simulation.run();

      sourceRunsOn(simulation, report);
      assertThat(report.failure().get().device()).contains("nic0");
      assertThat(report.failure().get().code()).isEqualTo(DeviceError.ARC_FAILED.label());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"RUNNING_TO_RUNNING_P2P", "STOP_TO_RESUMING", "RESUMING_TO_STOP"})
  void anArcThatFailsOnTheDestinationLeavesTheGuestOnTheSource(String arc) throws Exception {
    try (Simulation simulation = Simulation.of(3, pair("", "&fail-arc=" + arc))) {
      MigrationReport report = simulation.run();

      sourceRunsOn(simulation, report);
      assertThat(report.failure().get().device()).contains("nic1");
    }
  }

  @Test
  void aDeviceThatFailsIntoErrorIsReset() throws Exception {
    try (Simulation simulation =
        Simulation.of(
            4, pair("&fail-times=1&fail-to=error&fail-arc=PRE_COPY_P2P_TO_STOP_COPY", ""))) {
      MigrationReport report = simulation.run();

      assertThat(report.failure().orElseThrow().sourceRuns()).isTrue();
      assertThat(report.devices().get(0).path()).contains(DeviceState.ERROR);
      assertThat(report.devices().get(0).arcs())
          .extracting(MigrationReport.ArcTime::arc)
          .contains("reset");
      assertThat(simulation.source().devices().get(0).device().state())
          .isEqualTo(DeviceState.RUNNING);
    }
  }

  @Test
  void aFailureAfterCommitNeverStartsTheSource() throws Exception {
    try (Simulation simulation = Simulation.of(5, pair("", "&fail-arc=STOP_TO_RUNNING_P2P"))) {
      MigrationReport report = simulation.run();

      assertThat(report.status()).isEqualTo(Phase.FAILED);
      assertThat(report.failure().orElseThrow().code())
          .isEqualTo(RuntimeError.START_FAILED.label());
      assertThat(report.failure().get().sourceRuns()).isFalse();
      assertThat(simulation.sourceJournal()).contains(Journal.Entry.COMMIT);
      for (OpenDevice device : simulation.source().devices()) {
        assertThat(device.device().state()).isEqualTo(DeviceState.STOP_COPY);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"corrupt-at,1000", "corrupt-at,200000", "truncate-at,100000"})
  void badDeviceDataAreRefused(String fault, long at) throws Exception {
    try (Simulation simulation = Simulation.of(6, pair("&" + fault + "=" + at, ""))) {
      MigrationReport report = simulation.run();

      sourceRunsOn(simulation, report);
      assertThat(report.failure().get().device()).contains("nic0");
      assertThat(report.failure().get().code())
          .isIn(DeviceError.DATA_CORRUPT.label(), DeviceError.DATA_INCOMPATIBLE.label());
    }
  }

  @Test
  void aDeviceThatNeverGivesItsFirstImageIsNamed() throws Exception {
    try (Simulation simulation = Simulation.of(11, pair("&truncate-at=0", ""))) {
      MigrationReport report = simulation.run();

      sourceRunsOn(simulation, report);
      assertThat(report.failure().get().device()).contains("nic0");
      assertThat(report.failure().get().code()).isEqualTo(RuntimeError.DEADLINE_MISSED.label());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"zero", "max", "shrinking"})
  void sillySizesAreNotBelieved(String sizes) throws Exception {
    try (Simulation simulation = Simulation.of(7, pair("&sizes=" + sizes, ""))) {
      MigrationReport report = simulation.run();

      if (sizes.equals("max")) {
        // The device claims for ever that its state cannot move within the limit.
        sourceRunsOn(simulation, report);
        assertThat(report.failure().get().code())
            .isIn(RuntimeError.NOT_CONVERGING.label(), RuntimeError.DEADLINE_MISSED.label());
      } else {
        assertThat(report.failure()).isEmpty();
        assertThat(report.audit().orElseThrow().violations()).isEmpty();
      }
    }
  }

  @Test
  void aFirstImageThatBeginsAnewIsAcknowledgedAgain() throws Exception {
    try (Simulation simulation = Simulation.of(8, pair("&reinit-after=100KiB", ""))) {
      MigrationReport report = simulation.run();

      assertThat(report.failure()).isEmpty();
      assertThat(report.audit().orElseThrow().violations()).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 100, 400, 1000, 2000, 4000})
  void aCancelAtAnyTimeLeavesTheGuestOnOneSide(int afterSteps) throws Exception {
    try (Simulation simulation = Simulation.of(9, pair())) {
      int[] steps = {0};
      simulation.afterEachStep(
          () -> {
            if (steps[0]++ < afterSteps) {
              return false;
            }
            simulation.sourceEngine().cancel();
            return true;
          });
      MigrationReport report = simulation.run();

      if (report.status() == Phase.COMPLETED) {
        assertThat(simulation.destinationReport().status()).isEqualTo(Phase.COMPLETED);
      } else {
        assertThat(report.status()).isEqualTo(Phase.CANCELLED);
        sourceRunsOn(simulation, report);
      }
    }
  }

  @Test
  void aDestinationWithOtherDevicesRefuses() throws Exception {
    Manifest.Device small = device("nic0", NIC + 1);
    Manifest other =
        manifest(
            quick(),
            new Manifest.Device(
                "nic0",
                small.host(),
                Optional.of(DeviceAddress.parse("sim:mlx5?state=128KiB")),
                Optional.empty(),
                List.of()));
    try (Simulation simulation = Simulation.of(10, other)) {
      MigrationReport report = simulation.run();

      assertThat(report.failure().orElseThrow().code())
          .isEqualTo(RuntimeError.DESTINATION_REFUSED.label());
      assertThat(report.failure().get().message()).contains("nic0");
      sourceRunsOn(simulation, report);
    }
  }
}
