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

  @ParameterizedTest
  @CsvSource({
    // Source window, destination window, state.
    "1, 1, 20KiB",
    "3, 4096, 64KiB",
    "4095, 4095, 4MiB",
    "65536, 1048576, 64MiB"
  })
  void windowsOfManySizes(int source, int destination, String state) throws Exception {
    for (String profile : new String[] {"mlx5", "hisi-acc", "pds"}) {
      move(
          "sim:" + profile + "?service-time=0&state=" + state,
          V1OverSim.withWindow(source),
          V1OverSim.withWindow(destination));
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
