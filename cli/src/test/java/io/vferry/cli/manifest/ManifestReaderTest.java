package io.vferry.cli.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.plan.P2pPolicy;
import io.vferry.runtime.plan.Settings;
import io.vferry.spi.access.AccessPolicy;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ManifestReaderTest {

  private static final String VM = "vm: {name: a, adaptor: sim}\n";

  @TempDir private Path directory;

  @Test
  void readsEverythingThatAManifestCanSay() throws Exception {
    Manifest manifest =
        read("""
                # a comment
                vm:
                  name: "web 1"
                  adaptor: sim
                  memory: 256MiB
                  options: {vcpus: 2, dirty-rate: 20MiB}
                settings:
                  downtime-limit: 1.5s
                  max-bandwidth: 100MiB/s
                  connections: 4
                  receive-window: 1GiB
                  arc-deadline: 2min
                  setup-deadline: 5s
                  switchover-deadline: 60s
                  max-precopy-rounds: 7
                  force-switchover: true
                  access-policy: warn
                  p2p: unmap
                devices:
                  - id: nic0
                    host: sim:mlx5?state=64MiB&seed=3
                    destination: sim:mlx5?state=64MiB
                    driver: sim
                    peers: [nic1]
                  - {id: nic1, host: "vfio:0000:3b:00.2"}
                """)
            .manifest();

    assertThat(manifest.vm())
        .isEqualTo(
            new Manifest.Vm(
                "web 1", "sim", 256L << 20, Map.of("vcpus", "2", "dirty-rate", "20MiB")));
    assertThat(manifest.settings())
        .isEqualTo(
            new Settings(
                1500,
                100L << 20,
                4,
                1L << 30,
                120_000,
                5_000,
                60_000,
                7,
                true,
                AccessPolicy.Mode.WARN,
                P2pPolicy.UNMAP));
    assertThat(manifest.devices()).extracting(Manifest.Device::id).containsExactly("nic0", "nic1");
    Manifest.Device first = manifest.devices().get(0);
    assertThat(first.host()).hasToString("sim:mlx5?state=64MiB&seed=3");
    assertThat(first.destination())
        .hasValueSatisfying(a -> assertThat(a).hasToString("sim:mlx5?state=64MiB"));
    assertThat(first.driver()).contains("sim");
    assertThat(first.peers()).containsExactly("nic1");
    assertThat(manifest.devices().get(1).host().path()).isEqualTo("0000:3b:00.2");
    assertThat(manifest.devices().get(1).destination()).isEmpty();
  }

  @Test
  void leavesOutMeansDefault() throws Exception {
    Manifest manifest = read("vm: {name: a}\ndevices: [{id: d, host: 'sim:mlx5'}]").manifest();

    assertThat(manifest.settings()).isEqualTo(Settings.defaults());
    assertThat(manifest.vm().adaptor()).isEqualTo("none");
    assertThat(manifest.vm().memoryBytes()).isZero();
  }

  @Test
  void remembersWhereNamesStand() throws Exception {
    ManifestFile file = read(VM + "devices:\n  - id: d\n    driver: x\n    host: sim:mlx5\n");

    assertThat(file.adaptorPlace()).hasToString("m.yaml:1:24");
    assertThat(file.devicePlaces().get("d").driver()).hasToString("m.yaml:4:13");
    assertThat(file.devicePlaces().get("d").host()).hasToString("m.yaml:5:11");
    assertThat(file.devicePlaces().get("d").destination()).hasToString("m.yaml:3:5");
  }

  static Stream<Arguments> mistakes() {
    String devices = "devices: [{id: d, host: 'sim:mlx5'}]\n";
    return Stream.of(
        Arguments.of("", "m.yaml: is empty; a manifest has 'vm' and 'devices'"),
        Arguments.of(
            "just text",
            "m.yaml:1:1: the manifest must be a mapping (key: value), not 'just text'"),
        Arguments.of(
            "- a\n- b\n", "m.yaml:1:1: the manifest must be a mapping (key: value), not a list"),
        Arguments.of(devices, "m.yaml:1:1: the manifest has no 'vm'"),
        Arguments.of(VM, "m.yaml:1:1: the manifest has no 'devices'"),
        Arguments.of(
            VM + "devcies: []\n",
            "m.yaml:2:1: unknown key 'devcies' in the manifest; did you mean 'devices'?"),
        Arguments.of(
            VM + devices + "foo: 1\n",
            "m.yaml:3:1: unknown key 'foo' in the manifest; known: vm, settings, devices"),
        Arguments.of("vm: 3\n" + devices, "m.yaml:1:5: vm must be a mapping (key: value), not '3'"),
        Arguments.of("vm: {}\n" + devices, "m.yaml:1:5: vm has no 'name'"),
        Arguments.of(
            "vm: {name: [a]}\n" + devices, "m.yaml:1:12: 'name' must be one value, not a list"),
        Arguments.of(
            "vm: {name: }\n" + devices, "m.yaml:1:11: 'name' must be one value, not nothing"),
        Arguments.of(
            "vm: {name: a, memory: 256MB}\n" + devices,
            "m.yaml:1:23: memory: 'MB' in '256MB' is no unit of a size, for example 256MiB; units are B, KiB, MiB, GiB, TiB"),
        Arguments.of(
            "vm: {name: a, memory: -1}\n" + devices,
            "m.yaml:1:23: memory: '-1' is not a size, for example 256MiB"),
        Arguments.of(
            "vm: {name: a, memory: 99999999TiB}\n" + devices,
            "m.yaml:1:23: memory: '99999999TiB' is too large"),
        Arguments.of(
            "vm: {name: a, memory: 0.3B}\n" + devices,
            "m.yaml:1:23: memory: '0.3B' is no whole number of bytes"),
        Arguments.of(
            "vm: {name: a, options: [x]}\n" + devices,
            "m.yaml:1:24: options must be a mapping (key: value), not a list"),
        Arguments.of(
            "vm: {name: a}\nvm: {name: b}\n" + devices,
            "m.yaml:2:1: key 'vm' is here twice; the first is on line 1"),
        Arguments.of(VM + "devices: {}\n", "m.yaml:2:10: 'devices' must be a list, not a mapping"),
        Arguments.of(
            "vm: {name: a}\ndevices: []\n",
            "m.yaml:2:10: nothing to move: there is no device, and no adaptor for the vm"),
        Arguments.of(
            VM + "devices: [nic0]\n",
            "m.yaml:2:11: a device must be a mapping (key: value), not 'nic0'"),
        Arguments.of(VM + "devices: [{host: 'sim:x'}]\n", "m.yaml:2:11: a device has no 'id'"),
        Arguments.of(VM + "devices: [{id: d}]\n", "m.yaml:2:11: a device has no 'host'"),
        Arguments.of(
            VM + "devices: [{id: d, host: mlx5}]\n",
            "m.yaml:2:25: host: 'mlx5' is no device address: write scheme:path, for example vfio:0000:3b:00.2"),
        Arguments.of(
            VM + "devices: [{id: 'a b', host: 'sim:x'}]\n",
            "m.yaml:2:16: id: 'a b' is no device id: up to 64 letters, digits, '_', '.' and '-'"),
        Arguments.of(
            VM + "devices:\n- {id: d, host: 'sim:x'}\n- {id: d, host: 'sim:x'}\n",
            "m.yaml:4:8: device 'd' is here twice; the first is on line 3"),
        Arguments.of(
            VM + "devices: [{id: d, host: 'sim:x', perrs: []}]\n",
            "m.yaml:2:34: unknown key 'perrs' in a device; did you mean 'peers'?"),
        Arguments.of(
            VM + "devices: [{id: nic0, host: 'sim:x', peers: [nic1]}]\n",
            "m.yaml:2:45: there is no device 'nic1'; did you mean 'nic0'?"),
        Arguments.of(
            VM + "devices: [{id: d, host: 'sim:x', peers: [d]}]\n",
            "m.yaml:2:42: device 'd' is its own peer"),
        Arguments.of(
            VM + "devices: [{id: d, host: 'sim:x', peers: d}]\n",
            "m.yaml:2:41: 'peers' must be a list, not 'd'"),
        Arguments.of(
            VM + "settings: {downtime-limit: 300}\n" + devices,
            "m.yaml:2:28: downtime-limit: '300' has no unit: write a time, for example 300ms or 10s"),
        Arguments.of(
            VM + "settings: {downtime-limit: 0ms}\n" + devices,
            "m.yaml:2:28: downtime-limit is 0, but must be from 1 to 2000000"),
        Arguments.of(
            VM + "settings: {connections: two}\n" + devices,
            "m.yaml:2:25: connections: 'two' is no whole number"),
        Arguments.of(
            VM + "settings: {connections: 65}\n" + devices,
            "m.yaml:2:25: connections is 65, but must be from 1 to 64"),
        Arguments.of(
            VM + "settings: {force-switchover: yes}\n" + devices,
            "m.yaml:2:30: force-switchover: 'yes' is neither true nor false"),
        Arguments.of(
            VM + "settings: {p2p: maybe}\n" + devices,
            "m.yaml:2:17: p2p: 'maybe' is not one of refuse, unmap"),
        Arguments.of(
            VM + "settings: {access-policy: 1}\n" + devices,
            "m.yaml:2:27: access-policy: '1' is not one of enforce, warn, off"),
        Arguments.of(
            VM + "settings: {max-bandwith: 1}\n" + devices,
            "m.yaml:2:12: unknown key 'max-bandwith' in settings; did you mean 'max-bandwidth'?"),
        Arguments.of(
            VM + "devices: [\n",
            "m.yaml:3:1: this is no YAML: expected the node content, but found '<stream end>'"),
        Arguments.of(
            "vm: a: b\n", "m.yaml:1:6: this is no YAML: mapping values are not allowed here"),
        Arguments.of(
            "vm:\n\tname: a\n",
            "m.yaml:2:1: this is no YAML: found character '\\t(TAB)' that cannot start any token. (Do not use \\t(TAB) for indentation)"),
        Arguments.of(
            VM + devices + "---\nvm: {}\n",
            "m.yaml:3:1: a second document begins here; a manifest is one document"),
        Arguments.of(
            "vm: {name: !!java.net.URL x}\n" + devices,
            "m.yaml:1:12: tag 'tag:yaml.org,2002:java.net.URL' has no meaning in a manifest; remove it"),
        Arguments.of("vm: *a\n" + devices, "m.yaml:1:5: there is no anchor '&a' before this alias"),
        Arguments.of(
            "vm: &a {name: *a}\n" + devices,
            "m.yaml:1:15: there is no anchor '&a' before this alias"),
        Arguments.of("? [a]\n: b\n", "m.yaml:1:3: a key must be a word"),
        Arguments.of(
            "vm: \u0001\n", "m.yaml:1:5: the file is no text: it holds the control character 0x01"),
        Arguments.of(
            "[".repeat(17), "m.yaml:1:17: nested 17 levels deep; a manifest has at most 16"),
        Arguments.of(
            "vm: {name: a, adaptor: sim, options: " + "{a: ".repeat(100_000),
            "m.yaml:1:91: nested 17 levels deep; a manifest has at most 16"));
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  void saysWhereAndWhatIsWrong(String text, String message) {
    assertThat(refusal(text)).isEqualTo(message);
  }

  @Test
  void refusesATextThatIsNoUtf8() throws IOException {
    byte[] bytes = {'v', 'm', ':', '\n', ' ', (byte) 0xff, (byte) 0xfe};
    Files.write(directory.resolve("m.yaml"), bytes);

    assertThat(refusal())
        .isEqualTo("m.yaml:2:2: the file is no text: byte 0xff at offset 5 is not UTF-8");
  }

  @Test
  void refusesABinaryFile() throws IOException {
    Files.write(directory.resolve("m.yaml"), new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1, 0});

    assertThat(refusal()).startsWith("m.yaml:1:").contains("the file is no text");
  }

  @Test
  void refusesAMissingFile() {
    assertThat(refusal()).isEqualTo("m.yaml: there is no such file");
  }

  @Test
  void refusesADirectory() throws IOException {
    Files.createDirectory(directory.resolve("m.yaml"));

    assertThat(refusal()).isEqualTo("m.yaml: is a directory; name the manifest inside it");
  }

  @Test
  void refusesAFileThatMayNotBeRead() throws IOException {
    Path file = Files.writeString(directory.resolve("m.yaml"), VM);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("---------"));
    assumeThat(Files.isReadable(file)).as("root may read everything").isFalse();

    assertThat(refusal()).isEqualTo("m.yaml: cannot be read: permission denied");
  }

  @Test
  void refusesAHundredMegabytesOfAliasesWithoutReadingThem() throws IOException {
    byte[] line = "- *a\n".repeat(1 << 12).getBytes(StandardCharsets.US_ASCII);
    try (OutputStream out = Files.newOutputStream(directory.resolve("m.yaml"))) {
      out.write("a: &a x\ndevices:\n".getBytes(StandardCharsets.US_ASCII));
      for (long written = 0; written < 100_000_000; written += line.length) {
        out.write(line);
      }
    }

    assertThat(refusal())
        .isEqualTo("m.yaml: is longer than 1 MiB, which is the most that a manifest may have");
  }

  @Test
  void refusesAnEndlessFile() {
    ManifestException refusal =
        catchThrowableOfType(
            ManifestException.class, () -> ManifestReader.read(Path.of("/dev/zero")));

    assertThat(refusal)
        .hasMessage("/dev/zero: is longer than 1 MiB, which is the most that a manifest may have");
  }

  @Test
  void refusesManyAliases() {
    String text = "vm: &a {name: x}\ndevices: [" + "*a, ".repeat(101) + "]\n";

    assertThat(refusal(text)).isEqualTo("m.yaml:2:411: more than 100 aliases in one manifest");
  }

  @Test
  void neverMultipliesAliasesOut() {
    StringBuilder laughs = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 10; i++) {
      laughs
          .append("a%d: &a%d [".formatted(i, i))
          .append("*a%d, ".formatted(i - 1).repeat(9))
          .append("]\n");
    }

    assertThat(refusal(laughs.toString()))
        .isEqualTo("m.yaml:1:1: unknown key 'a0' in the manifest; known: vm, settings, devices");
  }

  @Test
  void keepsMessagesOnOneShortLine() {
    String refusal = refusal(VM + "devices: [{id: d, host: \"a\\nb" + "c".repeat(10_000) + "\"}]");

    assertThat(refusal).startsWith("m.yaml:2:25: host: 'a bccc").hasSizeLessThan(410);
    assertThat(refusal.lines()).hasSize(1);
  }

  @Test
  void takesAnAnchorForWhatItIs() throws Exception {
    List<Manifest.Device> devices =
        read(VM + "devices:\n- {id: a, host: &h 'sim:mlx5'}\n- {id: b, host: *h}\n")
            .manifest()
            .devices();

    assertThat(devices.get(1).host()).isEqualTo(devices.get(0).host());
  }

  private ManifestFile read(String text) throws Exception {
    Files.writeString(directory.resolve("m.yaml"), text);
    try {
      ManifestFile file = ManifestReader.read(directory.resolve("m.yaml"));
      return relative(file);
    } catch (ManifestException e) {
      throw new AssertionError(e.getMessage(), e);
    }
  }

  /** Places carry the name of the file as given, which here begins with a temporary directory. */
  private ManifestFile relative(ManifestFile file) {
    Map<String, ManifestFile.DevicePlaces> places = new HashMap<>();
    file.devicePlaces()
        .forEach(
            (id, p) ->
                places.put(
                    id,
                    new ManifestFile.DevicePlaces(
                        relative(p.id()),
                        relative(p.host()),
                        relative(p.destination()),
                        relative(p.driver()))));
    return new ManifestFile(file.path(), file.manifest(), relative(file.adaptorPlace()), places);
  }

  private Place relative(Place place) {
    assertThat(place.file()).isEqualTo(directory.resolve("m.yaml").toString());
    return new Place("m.yaml", place.line(), place.column());
  }

  private String refusal(String text) {
    try {
      Files.writeString(directory.resolve("m.yaml"), text);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return refusal();
  }

  private String refusal() {
    Path file = directory.resolve("m.yaml");
    ManifestException e =
        catchThrowableOfType(ManifestException.class, () -> ManifestReader.read(file));
    assertThat(e).as("the manifest was taken").isNotNull();
    return e.getMessage().replace(directory + "/", "");
  }
}
