package io.vferry.simulation;

import static io.vferry.simulation.MigrationTest.device;
import static io.vferry.simulation.MigrationTest.manifest;
import static io.vferry.simulation.MigrationTest.quick;
import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.compat.v1.V1Driver;
import io.vferry.compat.v1.V1MigrationDriver;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.Phase;
import io.vferry.vendor.sim.SimVmAdaptor;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * v1 all the way: a client of the v1 region drives a v2 device, the runtime carries what it saves,
 * and a v1 driver loads it; the machine's oracle judges every byte.
 */
class V1RoundTripTest {

  private static void move(String address, V1Driver source, V1Driver destination) throws Exception {
    try (Simulation simulation =
        Simulation.of(
            31,
            manifest(quick(), device("dev0", address)),
            new V1MigrationDriver(List.of(source)),
            new SimVmAdaptor(),
            new V1MigrationDriver(List.of(destination)))) {
      MigrationReport report = simulation.run();
      assertThat(report.failure()).isEmpty();
      assertThat(report.status()).isEqualTo(Phase.COMPLETED);
      assertThat(report.audit().orElseThrow().violations()).isEmpty();
      assertThat(simulation.auditAfterRunning(simulation.destination()).violations()).isEmpty();
    }
  }

  @Test
  void twoHundredFiftySixMebibytesInChunksOfOneByteToOneMebibyte() throws Exception {
    move(
        "sim:mlx5?state=256MiB&initial=128MiB&service-time=0",
        V1OverSim.ofManySizes(1 << 20, 5),
        V1OverSim.withWindow(1 << 20));
  }

  /** A byte in a chunk of its own costs microseconds, so the smallest windows move less. */
  @ParameterizedTest
  @CsvSource({
    // Profile, source window, destination window, state.
    "mlx5, 1, 1, 1MiB",
    "pds, 1, 1048576, 64KiB",
    "hisi-acc, 1, 4096, 64KiB",
    "mlx5, 3, 4096, 2MiB",
    "virtio, 64, 64, 16MiB",
    "pds, 4095, 4095, 256MiB",
    "mlx5, 4096, 65536, 256MiB",
    "hisi-acc, 65536, 1048576, 256MiB",
    "mlx5, 1048576, 1048576, 256MiB"
  })
  void windowsOfManySizes(String profile, int source, int destination, String state)
      throws Exception {
    move(
        "sim:" + profile + "?service-time=0&state=" + state,
        V1OverSim.withWindow(source),
        V1OverSim.withWindow(destination));
  }

  /** The runtime's deadline of an arc, with a v1 driver that hangs: named, reset, and over. */
  @Test
  void anArcThatHangsInAV1DriverEndsTheMigrationAndTheSourceRunsOn() throws Exception {
    try (Simulation simulation =
        Simulation.of(
            33,
            manifest(quick(), device("dev0", "sim:pds?state=1MiB&hang-arc=STOP_TO_STOP_COPY")),
            new V1MigrationDriver(List.of(V1OverSim.withWindow(8192))),
            new SimVmAdaptor(),
            new V1MigrationDriver(List.of(V1OverSim.withWindow(8192))))) {
      MigrationReport report = simulation.run();
      assertThat(report.failure()).isPresent();
      assertThat(report.failure().get().toString()).contains("dev0", "did not finish the arc");
      assertThat(report.failure().get().sourceRuns()).isTrue();
    }
  }

  @Test
  void aSmallerWindowAtTheDestinationIsRefusedBeforeAnythingMoves() throws Exception {
    try (Simulation simulation =
        Simulation.of(
            32,
            manifest(quick(), device("dev0", "sim:mlx5?state=1MiB")),
            new V1MigrationDriver(List.of(V1OverSim.withWindow(8192))),
            new SimVmAdaptor(),
            new V1MigrationDriver(List.of(V1OverSim.withWindow(4096))))) {
      MigrationReport report = simulation.run();
      assertThat(report.failure()).isPresent();
      assertThat(report.failure().get().toString()).contains("v1-region-bytes");
      assertThat(report.failure().get().sourceRuns()).isTrue();
    }
  }
}
