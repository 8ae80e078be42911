package io.vferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Moves machines between processes with the command as it is delivered. */
class MigrateIT {

  private static final String VM = "vm: {name: small, adaptor: sim, memory: 16MiB}\n";

  private static final String DEVICES =
      """
      devices:
        - {id: nic0, host: 'sim:mlx5?state=4MiB&seed=1', peers: [nic1]}
        - {id: nic1, host: 'sim:mlx5?state=4MiB&seed=2', peers: [nic0]}
        - {id: acc0, host: 'sim:hisi-acc?pre-copy=false&iommu-log=true'}
        - {id: gpu0, host: 'sim:xe?state=8MiB&iommu-log=true'}
      """;

  /** A slow host must not fail these tests. */
  private static final String PATIENT =
      "settings: {max-precopy-rounds: 3, force-switchover: true, arc-deadline: 60s}\n";

  /** Never comes to an end by itself within the time of a test. */
  private static final String ENDLESS = "settings: {max-bandwidth: 64KiB/s}\n";

  @TempDir private Path state;

  private Distribution vferry;

  @BeforeEach
  void prepare() {
    vferry = new Distribution(state);
  }

  @Test
  void movesAMachineIntoAProcessOfItsOwn() throws Exception {
    String manifest = vferry.write("vm.yaml", VM + PATIENT + DEVICES).toString();
    Path timeline = state.resolve("timeline.html");

    CommandRun run = vferry.run("migrate", manifest, "--report", timeline.toString(), "-o", "json");

    assertThat(run.exitCode()).as(run.toString()).isZero();
    assertThat(run.err()).isEmpty();
    Map<String, Object> report = JsonValue.parseObject(run.out());
    assertThat(report)
        .containsEntry("status", "completed")
        .containsEntry("vm", "small")
        .containsEntry("timeline", timeline.toString())
        .containsKeys("total-time", "setup-time", "expected-downtime", "downtime", "ram", "vfio")
        .doesNotContainKey("error-desc");
    assertThat(field(report, "audit", "passed")).isEqualTo(true);
    assertThat((long) field(report, "vfio", "transferred")).isGreaterThan(16L << 20);
    assertThat((long) field(report, "ram", "transferred")).isGreaterThanOrEqualTo(16L << 20);
    assertThat(devices(report))
        .extracting(device -> device.get("id"))
        .containsExactly("nic0", "nic1", "acc0", "gpu0");
    assertThat(devices(report).get(0).get("path").toString())
        .startsWith("[RUNNING, PRE_COPY, PRE_COPY_P2P, STOP_COPY");
    assertThat(devices(report).get(2).get("path").toString())
        .startsWith("[RUNNING, STOP, STOP_COPY");
    assertThat(Files.readString(timeline)).contains("<svg", "nic0", "connection-1");
    assertThat(leftovers()).isEmpty();
  }

  /** The example that people try first for these devices, with less memory and state. */
  @Test
  void movesTwoFunctionsOfACardByTheCommandsOfItsFirmware() throws Exception {
    String manifest =
        vferry
            .write(
                "pair.yaml",
                VM
                    + PATIENT
                    + """
                    devices:
                      - {id: vf0, host: 'sim:mlx5-vf?pf=c&vf=0&state=4MiB&seed=1', peers: [vf1]}
                      - {id: vf1, host: 'sim:mlx5-vf?pf=c&vf=1&state=4MiB&seed=2', peers: [vf0]}
                    """)
            .toString();

    CommandRun run = vferry.run("migrate", manifest, "-o", "json");

    assertThat(run.exitCode()).as(run.toString()).isZero();
    Map<String, Object> report = JsonValue.parseObject(run.out());
    assertThat(report).containsEntry("status", "completed");
    assertThat(field(report, "audit", "passed")).isEqualTo(true);
    assertThat((long) field(report, "vfio", "transferred")).isGreaterThan(8L << 20);
    assertThat(devices(report))
        .extracting(device -> device.get("id"))
        .containsExactly("vf0", "vf1");
    assertThat(devices(report).get(0).get("path").toString())
        .startsWith("[RUNNING, PRE_COPY, PRE_COPY_P2P, STOP_COPY");
  }

  @Test
  void showsAPersonWhatHappened() throws Exception {
    String manifest = vferry.write("vm.yaml", VM + PATIENT + DEVICES).toString();

    CommandRun run = vferry.run("migrate", manifest);

    assertThat(run.exitCode()).as(run.toString()).isZero();
    assertThat(run.err()).contains("precopy").contains("completed").doesNotContain("\u001b");
    assertThat(run.out()).contains("small was moved in", "nic0", "downtime", "nothing lost");
    String timeline =
        run.out().lines().filter(line -> line.startsWith("timeline")).findFirst().orElseThrow();
    try (Stream<Path> reports = Files.list(state.resolve("vferry/reports"))) {
      assertThat(reports).hasSize(1);
    }
    assertThat(timeline).contains("/vferry/reports/");
  }

  @Test
  void movesAMachineToAnAddress() throws Exception {
    String manifest = vferry.write("vm.yaml", VM + PATIENT + DEVICES).toString();
    try (Distribution.Running receiver =
        vferry.start(
            "receive", manifest, "--listen", "127.0.0.1:0", "--plain", "--output", "json")) {
      String listening =
          JsonValue.parseObject(receiver.awaitOut(line -> line.contains("listening")))
              .get("listening")
              .toString();

      CommandRun source =
          vferry.run("migrate", manifest, "--to", listening, "--plain", "-o", "json");
      CommandRun destination = receiver.end();

      assertThat(source.exitCode()).as(source.toString()).isZero();
      assertThat(destination.exitCode()).as(destination.toString()).isZero();
      assertThat(JsonValue.parseObject(source.out())).containsEntry("status", "completed");
      List<String> lines = destination.out().lines().toList();
      assertThat(lines).hasSize(2);
      assertThat(JsonValue.parseObject(lines.get(1))).containsEntry("status", "completed");
    }
  }

  @Test
  void holdsTheGuestUntilItIsTold() throws Exception {
    String manifest = vferry.write("vm.yaml", VM + PATIENT + DEVICES).toString();
    try (Distribution.Running receiver =
        vferry.start("receive", manifest, "--listen", "127.0.0.1:0", "--plain", "--hold")) {
      String listening = receiver.awaitOut(line -> line.startsWith("Listening on "));
      String address = listening.substring("Listening on ".length(), listening.length() - 1);
      assertThat(vferry.run("migrate", manifest, "--to", address, "--plain").exitCode()).isZero();
      receiver.awaitOut(line -> line.equals("The guest runs here until Ctrl-C."));
      assertThat(receiver.process().isAlive()).isTrue();

      receiver.terminate();

      assertThat(receiver.end().exitCode()).isZero();
    }
  }

  @Test
  void cancelsOnSigtermWithTheSourceRunningAgain() throws Exception {
    String manifest = vferry.write("vm.yaml", VM + ENDLESS + DEVICES).toString();
    try (Distribution.Running source = vferry.start("migrate", manifest)) {
      source.awaitErr(line -> line.contains("precopy"));
      List<ProcessHandle> receivers = source.process().children().toList();
      assertThat(receivers).hasSize(1);

      source.terminate();
      CommandRun run = source.end();

      assertThat(run.exitCode()).as(run.toString()).isEqualTo(130);
      assertThat(run.out())
          .as(run.toString())
          .contains("small was not moved: cancelled", "The guest runs on at the source.")
          .contains("-> RUNNING ");
      assertThat(receivers.get(0).isAlive()).isFalse();
      assertThat(leftovers()).isEmpty();
    }
  }

  @Test
  void leavesNoOrphanWhenItIsKilled() throws Exception {
    String manifest = vferry.write("vm.yaml", VM + ENDLESS + DEVICES).toString();
    try (Distribution.Running source = vferry.start("migrate", manifest)) {
      source.awaitErr(line -> line.contains("precopy"));
      ProcessHandle receiver = source.process().children().findFirst().orElseThrow();

      source.process().destroyForcibly();

      assertThat(receiver.onExit().get(120, TimeUnit.SECONDS).isAlive()).isFalse();
      assertThat(leftovers()).isEmpty();
    }
  }

  @Test
  void aReceiverEndsWithWhoeverHoldsItsInput() throws Exception {
    String manifest = vferry.write("vm.yaml", VM + DEVICES).toString();
    try (Distribution.Running receiver =
        vferry.start(
            "receive", manifest, "--listen", "127.0.0.1:0", "--plain", "--until-input-ends")) {
      receiver.awaitOut(line -> line.startsWith("Listening on "));
      assertThat(receiver.process().isAlive()).isTrue();

      receiver.process().getOutputStream().close();

      assertThat(receiver.end().exitCode()).isEqualTo(130);
    }
  }

  @Test
  void saysWhyADestinationCannotBeReached() throws Exception {
    String manifest = vferry.write("vm.yaml", VM + DEVICES).toString();

    CommandRun run =
        vferry.run("migrate", manifest, "--to", "127.0.0.1:1", "--plain", "-o", "json");

    assertThat(run.exitCode()).as(run.toString()).isEqualTo(4);
    assertThat(JsonValue.parseObject(run.out()))
        .containsEntry("status", "failed")
        .containsEntry("error-code", "VF-2050")
        .containsEntry("source-runs", true);
  }

  @Test
  void refusesWhatThePlanForbids() throws Exception {
    String manifest =
        vferry
            .write(
                "vm.yaml",
                VM
                    + "devices:\n"
                    + "- {id: acc0, host: 'sim:hisi-acc', peers: [nic0]}\n"
                    + "- {id: nic0, host: 'sim:mlx5?state=1MiB'}\n")
            .toString();

    CommandRun text = vferry.run("migrate", manifest);
    CommandRun json = vferry.run("migrate", manifest, "--output", "json");
    CommandRun plan = vferry.run("plan", manifest, "--output", "json");

    assertThat(text.exitCode()).as(text.toString()).isEqualTo(3);
    assertThat(text.err()).contains("small cannot be moved:", "missing-p2p", "acc0");
    assertThat(json.exitCode()).isEqualTo(3);
    assertThat(JsonValue.parseObject(json.out()))
        .containsEntry("status", "none")
        .containsKeys("error-desc", "blocked-reasons");
    assertThat(plan.exitCode()).isEqualTo(3);
    assertThat(JsonValue.parseObject(plan.out())).containsEntry("possible", false);
    assertThat(leftovers()).isEmpty();
  }

  private static Object field(Map<String, Object> object, String name, String inner) {
    return ((Map<?, ?>) object.get(name)).get(inner);
  }

  @SuppressWarnings("unchecked")
  private static List<Map<String, Object>> devices(Map<String, Object> report) {
    return (List<Map<String, Object>>) report.get("devices");
  }

  /** Directories with keys that nobody removed; they are made in the JVM's own directory. */
  private List<Path> leftovers() throws Exception {
    long newest = Files.getLastModifiedTime(state.resolve("vm.yaml")).toMillis();
    try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
      return files
          .filter(file -> file.getFileName().toString().matches("vferry-[0-9]+"))
          .filter(file -> file.toFile().lastModified() >= newest)
          .toList();
    }
  }
}
