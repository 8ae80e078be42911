package io.vferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Asks the command as it is delivered. */
class CommandIT {

  @TempDir private Path state;

  private Distribution vferry;

  @BeforeEach
  void prepare() {
    vferry = new Distribution(state);
  }

  @Test
  void tellsItsVersionWithoutLookingAround() throws Exception {
    CommandRun run = vferry.run(List.of("-Xlog:class+load:stderr"), "--version");

    assertThat(run.exitCode()).isZero();
    assertThat(run.out()).startsWith("vferry ").contains("Java ").doesNotContain("not known");
    assertThat(run.out().lines().findFirst().orElseThrow()).matches("vferry [0-9]+\\..*");
    List<String> loaded =
        Pattern.compile(" ((?:io\\.vferry|com\\.google|org\\.snakeyaml)\\.\\S+) source: ")
            .matcher(run.err())
            .results()
            .map(match -> match.group(1))
            .toList();
    assertThat(loaded)
        .contains("io.vferry.cli.VersionText")
        .noneMatch(name -> name.startsWith("com.google.") || name.startsWith("org.snakeyaml."))
        .noneMatch(name -> name.startsWith("io.vferry.runtime.discovery."));
  }

  @Test
  void listsWhatItFound() throws Exception {
    CommandRun text = vferry.run("drivers");
    CommandRun json = vferry.run("drivers", "--output", "json");

    assertThat(text.exitCode()).isZero();
    assertThat(text.out()).contains("Drivers\n", "sim:mlx5", "VM adaptors\n");
    Map<String, Object> found = JsonValue.parseObject(json.out());
    assertThat(found).containsKeys("drivers", "backends", "models", "adaptors", "rejected");
    assertThat(names(found, "drivers", "id")).contains("sim", "vfio");
    assertThat(names(found, "backends", "scheme")).contains("sim", "vfio");
    assertThat(names(found, "models", "name")).contains("mlx5", "xe");
    assertThat((List<?>) found.get("rejected")).isEmpty();
  }

  @Test
  void namesAJarThatCannotBeUsedAndShowsTheOthers() throws Exception {
    Path directory = Files.createDirectory(state.resolve("drivers"));
    Files.writeString(directory.resolve("broken.jar"), "no zip");

    CommandRun run = vferry.run("drivers", "--drivers", directory.toString());

    assertThat(run.exitCode()).isZero();
    assertThat(run.out())
        .contains("Cannot be used\n", "broken.jar")
        .containsPattern(" sim +vferry ");
  }

  @Test
  void listsDevices() throws Exception {
    CommandRun json = vferry.run("devices", "--output", "json");

    List<?> devices = (List<?>) JsonValue.parse(json.out());
    assertThat(devices)
        .extracting(device -> (Object) ((Map<?, ?>) device).get("address"))
        .contains("sim:mlx5", "sim:mtty");
    assertThat(vferry.run("devices").out()).startsWith("ADDRESS");
  }

  @Test
  void plansTheExample() throws Exception {
    Path example = Path.of("../examples/mixed-vm.yaml").toAbsolutePath();

    CommandRun text = vferry.run("plan", example.toString());
    CommandRun json = vferry.run("plan", example.toString(), "--output", "json");

    assertThat(text.exitCode()).as(text.toString()).isZero();
    assertThat(text.out()).contains("peer to peer: two-phase", "mixed-vm can be moved");
    Map<String, Object> plan = JsonValue.parseObject(json.out());
    assertThat(plan).containsEntry("possible", true).containsEntry("blocked-reasons", List.of());
    assertThat((List<?>) plan.get("devices")).hasSizeGreaterThanOrEqualTo(4);
  }

  @Test
  void refusesNamesThatDoNotExistWithTheirPlace() throws Exception {
    String vm = "vm: {name: a, adaptor: sim, memory: 16MiB}\n";
    assertThat(refusal(vm + "devices: [{id: d, host: 'sim:mlx5', driver: smi}]\n"))
        .isEqualTo("bad.yaml:2:45: there is no driver 'smi'; did you mean 'sim'?\n");
    assertThat(refusal(vm + "devices: [{id: d, host: 'vfoi:0000:3b:00.2'}]\n"))
        .isEqualTo("bad.yaml:2:25: there is no host backend 'vfoi'; did you mean 'vfio'?\n");
    assertThat(refusal("vm: {name: a, adaptor: qemu}\ndevices: []\n"))
        .isEqualTo("bad.yaml:1:24: there is no VM adaptor 'qemu'; known: sim, none\n");
  }

  private String refusal(String manifest) throws Exception {
    Path file = vferry.write("bad.yaml", manifest);
    CommandRun plan = vferry.run("plan", file.toString());
    CommandRun migrate = vferry.run("migrate", file.toString());
    assertThat(plan.exitCode()).as(plan.toString()).isEqualTo(2);
    assertThat(migrate.exitCode()).isEqualTo(2);
    assertThat(migrate.err()).isEqualTo(plan.err());
    assertThat(migrate.out()).isEmpty();
    return plan.err().replace(state + "/", "");
  }

  @Test
  void refusesAWrongCommandLine() throws Exception {
    String manifest =
        vferry.write("vm.yaml", "vm: {name: a}\ndevices: [{id: d, host: 'sim:mlx5'}]\n").toString();
    assertThat(usage("migrate", manifest, "--to", "host:1"))
        .isEqualTo(
            "vferry: --to needs --tls DIR, or --plain if the network is private as a whole\n");
    assertThat(usage("migrate", manifest, "--plain"))
        .startsWith("vferry migrate: --tls, --plain and --peer-name are only of use with --to");
    assertThat(usage("migrate", manifest, "--to", "host", "--plain"))
        .contains("'host' is no HOST:PORT");
    assertThat(usage("migrate", manifest, "--to", "no-such-host.invalid:1", "--plain"))
        .isEqualTo("vferry: --to: the host 'no-such-host.invalid' is not known\n");
    assertThat(usage("migrate", manifest, "--report", "/no/such/dir/x.html"))
        .isEqualTo("vferry: --report: '/no/such/dir/x.html' cannot be written\n");
    assertThat(usage("migrate")).startsWith("vferry migrate: missing MANIFEST");
    assertThat(usage("receive", manifest)).startsWith("vferry receive: missing option --listen");
    assertThat(usage("receive", manifest, "--listen", "127.0.0.1:0", "--tls", "/nowhere"))
        .isEqualTo("vferry: --tls: '/nowhere/ca.pem' cannot be read\n");
    assertThat(usage("drivers", "--drivers", "/nowhere"))
        .isEqualTo("vferry: --drivers: '/nowhere' is no directory\n");
    assertThat(usage("migrat"))
        .startsWith("vferry: unknown command 'migrat'; did you mean 'migrate'?");
    assertThat(usage()).isEqualTo("vferry: which command? 'vferry --help' lists them\n");
  }

  private String usage(String... arguments) throws Exception {
    CommandRun run = vferry.run(arguments);
    assertThat(run.exitCode()).as(run.toString()).isEqualTo(2);
    assertThat(run.err().lines()).as(run.err()).hasSize(1);
    assertThat(run.out()).isEmpty();
    return run.err();
  }

  private static List<Object> names(Map<String, Object> found, String list, String key) {
    return ((List<?>) found.get(list))
        .stream().map(one -> (Object) ((Map<?, ?>) one).get(key)).toList();
  }
}
