package io.vferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.discovery.Discovery;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostMigration;
import io.vferry.spi.host.MigrationData;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.SystemHostClock;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Devices in processes of their own, and machines in yet others that use and move them. */
@EnabledOnOs(OS.LINUX)
class ServeIT {

  private static final String PATIENT =
      "settings: {max-precopy-rounds: 3, force-switchover: true, arc-deadline: 60s}\n";

  @TempDir private Path state;

  private Distribution vferry;

  @BeforeEach
  void prepare() {
    vferry = new Distribution(state);
  }

  private Distribution.Running serve(Path socket, String model, String... more) throws Exception {
    List<String> command =
        new ArrayList<>(List.of("serve", model, "--socket", socket.toString(), "-o", "json"));
    command.addAll(List.of(more));
    Distribution.Running server = vferry.start(command.toArray(String[]::new));
    server.awaitOut(line -> line.contains("\"event\":\"serving\""));
    return server;
  }

  /** Writes the manifest of a machine with one device, whose servers map its memory. */
  private String manifest(String device, Path from, Path to) throws Exception {
    return vferry
        .write(
            "vm.yaml",
            "vm: {name: far, adaptor: sim, memory: 16MiB, options: {shared-memory: true}}\n"
                + PATIENT
                + "devices:\n"
                + "  - {id: %s, host: 'vfio-user:%s', destination: 'vfio-user:%s'}\n"
                    .formatted(device, from, to))
        .toString();
  }

  @SuppressWarnings("unchecked")
  private static Object field(Map<String, Object> report, String group, String name) {
    return ((Map<String, Object>) report.get(group)).get(name);
  }

  /** The example that people try first, with less memory and state. */
  @Test
  void aMachineMovesBetweenTheDevicesOfTwoServers() throws Exception {
    Path from = state.resolve("src.sock");
    Path to = state.resolve("dst.sock");
    String manifest = manifest("nic0", from, to);
    try (Distribution.Running source = serve(from, "mlx5?state=8MiB&seed=1");
        Distribution.Running destination = serve(to, "mlx5?state=8MiB&seed=2")) {
      CommandRun run = vferry.run("migrate", manifest, "-o", "json");

      assertThat(run.exitCode()).as(run.toString()).isZero();
      Map<String, Object> report = JsonValue.parseObject(run.out());
      assertThat(report).containsEntry("status", "completed");
      assertThat(field(report, "audit", "passed")).as(run.toString()).isEqualTo(true);
      assertThat(run.out()).as("the guest had work done").containsPattern("\"tasks\":[1-9]");
      assertThat((long) field(report, "vfio", "transferred")).isGreaterThan(8L << 20);
      source.awaitOut(line -> line.contains("\"to\":\"PRE_COPY\""));
      source.awaitOut(line -> line.contains("\"to\":\"STOP_COPY\""));
      destination.awaitOut(line -> line.contains("\"to\":\"RESUMING\""));
      for (Distribution.Running server : List.of(source, destination)) {
        server.awaitOut(line -> line.contains("\"event\":\"disconnected\""));
        server.terminate();
        CommandRun ended = server.end();
        assertThat(ended.exitCode()).as(ended.toString()).isZero();
        assertThat(ended.out()).doesNotContain("unclean");
      }
    }
    assertThat(from).doesNotExist();
    assertThat(to).doesNotExist();
  }

  /**
   * The client knows nothing but the protocol: the drivers for mlx5 and HiSilicon run in the
   * servers. The guest finds its own drivers by the PCI numbers, and is at work.
   */
  @Test
  void functionsMoveByTheirDriversInTheServersWithTheGuestAtWork() throws Exception {
    List<Path> from = List.of(state.resolve("a0.sock"), state.resolve("a1.sock"));
    List<Path> to = List.of(state.resolve("b0.sock"), state.resolve("b1.sock"));
    String manifest =
        vferry
            .write(
                "vm.yaml",
                "vm: {name: far, adaptor: sim, memory: 16MiB, options: {shared-memory: true}}\n"
                    + PATIENT
                    + "devices:\n"
                    + "  - {id: vf0, host: 'vfio-user:%s', destination: 'vfio-user:%s',"
                        .formatted(from.get(0), to.get(0))
                    + " driver: vfio}\n"
                    + "  - {id: acc0, host: 'vfio-user:%s', destination: 'vfio-user:%s'}\n"
                        .formatted(from.get(1), to.get(1)))
            .toString();
    try (Distribution.Running source = serve(from.get(0), "mlx5-vf?seed=1", pair(from.get(1)));
        Distribution.Running destination = serve(to.get(0), "mlx5-vf?seed=2", pair(to.get(1)))) {
      CommandRun run = vferry.run("migrate", manifest, "-o", "json");

      assertThat(run.exitCode()).as(run.toString()).isZero();
      Map<String, Object> report = JsonValue.parseObject(run.out());
      assertThat(report).containsEntry("status", "completed");
      assertThat((long) field(report, "vfio", "transferred")).isGreaterThan(4L << 20);
      assertThat(field(report, "audit", "passed")).as(run.toString()).isEqualTo(true);
      assertThat(run.out())
          .containsPattern("\"tasks\":[1-9]")
          .containsPattern("\"dma-writes\":[1-9]")
          .containsPattern("\"tasks-in-flight-when-moved\":");
      destination.awaitOut(line -> line.contains("\"event\":\"disconnected\""));
      assertThat(source.awaitOut(line -> line.contains("\"event\":\"serving\"")))
          .contains("\"driver\":\"mlx5 ");
    }
  }

  private static String[] pair(Path second) {
    return new String[] {"hisi-zip-vf?queues=4", "--socket", second.toString()};
  }

  /** This process is the client, and stores into the device without a message. */
  @Test
  void aStoreIntoADeviceOfAnotherProcessMovesToAThird() throws Exception {
    Path from = state.resolve("src.sock");
    Path to = state.resolve("dst.sock");
    String model = "xe?state=64KiB&work=off&local-memory=16KiB&seed=";
    Catalogue catalogue = Discovery.discover(List.of());
    try (Distribution.Running sourceServer = serve(from, model + 1);
        Distribution.Running destinationServer = serve(to, model + 2);
        SystemHostClock clock = new SystemHostClock(Thread::new);
        HostDevice source =
            catalogue.open(
                DeviceAddress.parse("vfio-user:" + from), new OpenContext("src", clock));
        HostDevice destination =
            catalogue.open(DeviceAddress.parse("vfio-user:" + to), new OpenContext("dst", clock))) {
      assertThat(sourceServer.process().pid()).isNotEqualTo(destinationServer.process().pid());
      ByteBuffer stored = memory(source);
      for (int at = 0; at < stored.capacity(); at++) {
        stored.put(at, (byte) (at * 13 + at / 256));
      }
      assertThat(byMessage(source)).isEqualTo(stored);
      ByteBuffer arrived = memory(destination);
      assertThat(arrived).isNotEqualTo(stored);

      HostMigration save = source.capability(HostMigration.class).orElseThrow();
      HostMigration load = destination.capability(HostMigration.class).orElseThrow();
      MigrationData out = save.setState(DeviceState.STOP_COPY).orElseThrow();
      MigrationData in = load.setState(DeviceState.RESUMING).orElseThrow();
      ByteBuffer piece = ByteBuffer.allocateDirect(1 << 20);
      while (out.read(piece.clear()) > 0) {
        piece.flip();
        while (piece.hasRemaining()) {
          in.write(piece);
        }
      }
      load.setState(DeviceState.RUNNING);
      save.setState(DeviceState.STOP);

      assertThat(arrived).isEqualTo(stored);
      assertThat(byMessage(destination)).isEqualTo(stored);
    }
  }

  private static ByteBuffer memory(HostDevice device) throws MigrationException {
    return device.region(0).map(16 << 10, 16 << 10).orElseThrow();
  }

  private static ByteBuffer byMessage(HostDevice device) throws MigrationException {
    ByteBuffer bytes = ByteBuffer.allocate(16 << 10);
    device.region(0).read(16 << 10, bytes);
    return bytes.flip();
  }

  /** The guest stores into the device's memory, and its driver looks whether that arrived. */
  @Test
  void aMachineThatMapsADeviceMoves() throws Exception {
    Path from = state.resolve("src.sock");
    Path to = state.resolve("dst.sock");
    String manifest = manifest("gpu0", from, to);
    try (Distribution.Running source = serve(from, "xe?state=2MiB&iommu-log=true&seed=1");
        Distribution.Running destination = serve(to, "xe?state=2MiB&iommu-log=true&seed=2")) {
      CommandRun run = vferry.run("migrate", manifest, "-o", "json");

      assertThat(run.exitCode()).as(run.toString()).isZero();
      Map<String, Object> report = JsonValue.parseObject(run.out());
      assertThat(field(report, "audit", "passed")).as(run.toString()).isEqualTo(true);
      for (Distribution.Running server : List.of(source, destination)) {
        assertThat(server.awaitOut(line -> line.contains("\"event\":\"disconnected\"")))
            .contains("\"refusals\":0");
      }
    }
  }

  /** The servers have the bare functions, and the client's driver works on both of a chip. */
  @Test
  void aFunctionMovesByItsDriverInTheClientOverThePhysicalOneOfItsChip() throws Exception {
    Path from = state.resolve("a.sock");
    Path to = state.resolve("b.sock");
    String chip = "?chip=a&vfs=2&queues=4";
    String manifest =
        vferry
            .write(
                "vm.yaml",
                "vm: {name: far, adaptor: sim, memory: 16MiB, options: {shared-memory: true}}\n"
                    + PATIENT
                    + "devices:\n"
                    + "  - {id: acc0, host: 'vfio-user:%s?pf=%s&vf-index=1',"
                        .formatted(from, physical(from))
                    + " destination: 'vfio-user:%s?pf=%s&vf-index=1'}\n"
                        .formatted(to, physical(to)))
            .toString();
    String vf = "hisi-zip-vf" + chip + "&vf=1";
    String pf = "hisi-zip-pf" + chip;
    try (Distribution.Running source =
            serve(from, vf, pf, "--socket", physical(from).toString(), "--raw");
        Distribution.Running destination =
            serve(to, vf, pf, "--socket", physical(to).toString(), "--raw")) {
      CommandRun run = vferry.run("migrate", manifest, "-o", "json");

      assertThat(run.exitCode()).as(run.toString()).isZero();
      Map<String, Object> report = JsonValue.parseObject(run.out());
      assertThat(report).containsEntry("status", "completed");
      assertThat(field(report, "audit", "passed")).as(run.toString()).isEqualTo(true);
      assertThat(run.out())
          .contains("\"driver\":\"hisi-acc\"")
          .containsPattern("\"tasks\":[1-9]")
          .contains("\"arc\":\"reset\"");
      for (Distribution.Running server : List.of(source, destination)) {
        server.awaitOut(line -> line.contains("\"event\":\"disconnected\""));
      }
    }
  }

  private static Path physical(Path socket) {
    return Path.of(socket.toString().replace(".sock", "-pf.sock"));
  }

  @Test
  void whatCannotBeServedIsSaid() throws Exception {
    Path socket = state.resolve("a.sock");
    CommandRun pairs = vferry.run("serve", "mlx5", "pds", "--socket", socket.toString());
    assertThat(pairs.exitCode()).isEqualTo(2);
    assertThat(pairs.err()).contains("2 devices, but 1 sockets");

    CommandRun unknown = vferry.run("serve", "mlx6", "--socket", socket.toString());
    assertThat(unknown.exitCode()).isEqualTo(3);
    assertThat(unknown.err()).contains("there is no device model 'mlx6'");

    CommandRun undriven = vferry.run("serve", "mlx5-pf", "--socket", socket.toString());
    assertThat(undriven.exitCode()).isEqualTo(3);
    assertThat(undriven.err()).contains("no driver migrates", "--raw serves it without migration");
    assertThat(socket).doesNotExist();

    CommandRun large = vferry.run("serve", "mlx5", "--socket", "x", "--max-transfer", "100");
    assertThat(large.exitCode()).isEqualTo(2);
    assertThat(large.err()).contains("--max-transfer: 100 is not in 4096");

    try (Distribution.Running server = serve(socket, "mlx5-pf", "--raw")) {
      CommandRun second = vferry.run("serve", "pds", "--socket", socket.toString());
      assertThat(second.exitCode()).isEqualTo(3);
      assertThat(second.err()).contains("another process serves there");
      assertThat(server.awaitOut(line -> line.contains("serving"))).contains("\"driver\":\"\"");
    }
  }
}
