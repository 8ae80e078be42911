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
import io.vferry.spi.vm.GuestAudit;
import io.vferry.vendor.mlx5.model.Mlx5Bench;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Machines with functions of one modelled ConnectX card: moved, and spoilt by fault plans. */
class Mlx5MigrationTest {

  private static final String CARD =
      "sim:mlx5-vf?pf=card&vfs=4&state=384KiB&chunk-size=128KiB&dirty-rate=1MiB";

  /** Functions of one card, each of which writes into the next one's memory. */
  private static Manifest ring(int count, String faultsThere, String faultsHere) {
    List<Manifest.Device> devices =
        IntStream.range(0, count)
            .mapToObj(
                vf ->
                    moved(
                        device(
                            "vf" + vf,
                            CARD + "&vf=%d&seed=%d%s".formatted(vf, vf, faultsThere),
                            "vf" + (vf + 1) % count),
                        CARD + "&vf=%d&seed=%d%s".formatted(vf, vf + 10, faultsHere)))
            .toList();
    return manifest(quick(), devices.toArray(Manifest.Device[]::new));
  }

  private static Manifest.Device moved(Manifest.Device device, String destination) {
    return new Manifest.Device(
        device.id(),
        device.host(),
        Optional.of(DeviceAddress.parse(destination)),
        device.driver(),
        device.peers());
  }

  private static void arrives(Simulation simulation) throws Exception {
    MigrationReport report = simulation.run();

    assertThat(report.failure()).isEmpty();
    assertThat(report.status()).isEqualTo(Phase.COMPLETED);
    assertThat(report.audit().orElseThrow().violations()).isEmpty();
    assertThat(report.devices())
        .allSatisfy(
            device ->
                assertThat(device.path())
                    .extracting(Enum::name)
                    .containsExactly(
                        "RUNNING", "PRE_COPY", "PRE_COPY_P2P", "STOP_COPY", "STOP", "RUNNING"));
    long messages = report.audit().get().counts().get("p2p-messages");
    GuestAudit.Verdict after = simulation.auditAfterRunning(simulation.destination());
    assertThat(after.violations()).as("after the guest ran on").isEmpty();
    assertThat(after.counts().get("p2p-messages")).isGreaterThan(messages).isPositive();
    assertThat(complaints(simulation.destination().devices())).isEmpty();
  }

  /** What the cards say about what was done to them. */
  private static List<String> complaints(List<OpenDevice> devices) {
    List<String> all = new ArrayList<>();
    for (OpenDevice device : devices) {
      all.addAll(device.host().capability(Mlx5Bench.class).orElseThrow().violations());
    }
    return all;
  }

  @ParameterizedTest
  @CsvSource({"2, 1", "2, 2", "4, 3", "4, 4"})
  void functionsThatWriteIntoEachOtherMoveAtOnce(int count, long seed) throws Exception {
    try (Simulation simulation = Simulation.of(seed, ring(count, "", ""))) {
      arrives(simulation);
      assertThat(complaints(simulation.source().devices())).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"none", "pre-copy-error", "lost-events", "duplicate-events"})
  void whatADriverHasToLiveWithDoesNotKeepAMachineFromMoving(String plan) throws Exception {
    try (Simulation simulation = Simulation.of(5, ring(2, "&faults=" + plan, ""))) {
      arrives(simulation);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "save-fails, '', vf",
    "suspend-fails, '', vf",
    "save-hangs, '', vf",
    "late-save, '', vf",
    "SAVE_VHCA_STATE#1:reset-pf, '', vf",
    "'', load-fails, vf",
    "'', LOAD_VHCA_STATE#2:remove-pf, vf"
  })
  void whatFailsIsToldByNameAndTheSourceRunsOn(String there, String here, String culprit)
      throws Exception {
    Manifest manifest = ring(2, faults(there), faults(here));
    try (Simulation simulation = Simulation.of(6, manifest)) {
      MigrationReport report = simulation.run();

      assertThat(report.status()).isIn(Phase.FAILED, Phase.CANCELLED);
      MigrationReport.Failure failure = report.failure().orElseThrow();
      assertThat(failure.sourceRuns()).isTrue();
      assertThat(failure.device().orElse("")).contains(culprit);
      assertThat(simulation.sourceJournal()).doesNotContain(Journal.Entry.COMMIT);
      for (OpenDevice device : simulation.source().devices()) {
        assertThat(device.device().state()).as(device.id()).isEqualTo(DeviceState.RUNNING);
      }
      assertThat(simulation.auditAfterRunning(simulation.source()).violations()).isEmpty();
    }
  }

  private static String faults(String plan) {
    return plan.isEmpty() ? "" : "&faults=" + plan;
  }

  @Test
  void aCardThatLeavesTheBusIsNamedAndNothingHangs() throws Exception {
    try (Simulation simulation = Simulation.of(7, ring(2, "&faults=pf-lost-while-saving", ""))) {
      MigrationReport report = simulation.run();

      assertThat(report.status()).isEqualTo(Phase.FAILED);
      assertThat(report.failure().orElseThrow().code()).isEqualTo(DeviceError.DEVICE_LOST.label());
      assertThat(simulation.destinationJournal()).doesNotContain(Journal.Entry.COMMIT);
    }
  }

  @Test
  void aPageThatTheTrackerForgetsIsFoundByTheAudit() throws Exception {
    // Quick ticks, so that the functions write between the last round and the stop.
    String lies = "&tick=10us&dma-rate=512MiB&faults=MODIFY_GENERAL_OBJECT:forget-page";
    try (Simulation simulation = Simulation.of(8, ring(2, lies, ""))) {
      MigrationReport report = simulation.run();

      MigrationReport.Failure failure = report.failure().orElseThrow();
      assertThat(failure.code()).isEqualTo(RuntimeError.AUDIT_FAILED.label());
      assertThat(failure.message()).contains("of the DMA area lacks write");
      assertThat(failure.sourceRuns()).isTrue();
    }
  }
}
