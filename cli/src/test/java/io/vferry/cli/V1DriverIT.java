package io.vferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A jar written for v1 in a driver directory, beside the jar that adapts it. */
class V1DriverIT {

  /** The example, and the hardware it drives. */
  private static final List<String> SOURCES =
      List.of(
          "v1-driver/com/example/beacon/BeaconV1Driver.java",
          "v1-driver/com/example/beacon/BeaconV1Device.java",
          "vendor-template/src/main/java/com/example/beacon/BeaconHardware.java",
          "vendor-template/src/main/java/com/example/beacon/BeaconDeviceModel.java",
          "vendor-template/src/main/java/com/example/beacon/BeaconRegisters.java");

  private static final String MODULE =
      """
      module com.example.beacon.v1 {
        requires io.vferry.compat.v1;
        exports com.example.beacon;
        provides io.vferry.compat.v1.V1Driver with com.example.beacon.BeaconV1Driver;
        provides io.vferry.spi.model.DeviceModel with com.example.beacon.BeaconDeviceModel;
      }
      """;

  @TempDir private Path work;

  private static Path adapter() throws Exception {
    try (Stream<Path> jars = Files.list(Distribution.folder().resolve("lib"))) {
      return jars.filter(jar -> jar.getFileName().toString().startsWith("vferry-compat-v1"))
          .findFirst()
          .orElseThrow();
    }
  }

  private Path beacon(boolean module) throws Exception {
    Path classes = work.resolve("out");
    List<String> arguments =
        new ArrayList<>(List.of("-d", classes.toString(), "-proc:none", "-nowarn"));
    String lib =
        adapter() + File.pathSeparator + String.join(File.pathSeparator, jars("vferry-spi"));
    arguments.addAll(List.of(module ? "--module-path" : "--class-path", lib));
    for (String source : SOURCES) {
      arguments.add(Path.of("..", "examples").resolve(source).toString());
    }
    if (module) {
      arguments.add(Files.writeString(work.resolve("module-info.java"), MODULE).toString());
    } else {
      Path services = Files.createDirectories(classes.resolve("META-INF/services"));
      Files.writeString(
          services.resolve("io.vferry.compat.v1.V1Driver"), "com.example.beacon.BeaconV1Driver\n");
      Files.writeString(
          services.resolve("io.vferry.spi.model.DeviceModel"),
          "com.example.beacon.BeaconDeviceModel\n");
    }
    StringWriter messages = new StringWriter();
    PrintWriter writer = new PrintWriter(messages);
    assertThat(
            ToolProvider.findFirst("javac")
                .orElseThrow()
                .run(writer, writer, arguments.toArray(String[]::new)))
        .as(messages.toString())
        .isZero();
    Path jar = Files.createDirectories(work.resolve("drivers/beacon")).resolve("beacon.jar");
    assertThat(
            ToolProvider.findFirst("jar")
                .orElseThrow()
                .run(writer, writer, "cf", jar.toString(), "-C", classes.toString(), "."))
        .as(messages.toString())
        .isZero();
    return jar;
  }

  private static List<String> jars(String prefix) throws Exception {
    try (Stream<Path> jars = Files.list(Distribution.folder().resolve("lib"))) {
      return jars.map(Path::toString).filter(jar -> jar.contains("/" + prefix)).toList();
    }
  }

  @ParameterizedTest
  @CsvSource({"true, module layer", "false, class loader"})
  void isFoundLikeAnyOther(boolean module, String isolation) throws Exception {
    Path jar = beacon(module);
    Files.copy(adapter(), jar.resolveSibling("vferry-compat-v1.jar"));

    CommandRun run =
        new Distribution(work)
            .run("drivers", "--drivers", work.resolve("drivers").toString(), "-o", "json");

    Map<String, Object> found = JsonValue.parseObject(run.out());
    assertThat((List<?>) found.get("rejected")).isEmpty();
    assertThat((List<?>) found.get("drivers"))
        .filteredOn(driver -> "v1-beacon".equals(((Map<?, ?>) driver).get("id")))
        .singleElement()
        .satisfies(
            driver -> {
              assertThat(((Map<?, ?>) driver).get("vendor")).isEqualTo("Example Corporation");
              assertThat(((Map<?, ?>) driver).get("isolation").toString()).contains(isolation);
            });
  }

  @Test
  void keepsThePromisesOfADriver() throws Exception {
    Files.copy(adapter(), beacon(true).resolveSibling("vferry-compat-v1.jar"));
    CommandRun run =
        new Distribution(work)
            .run(
                "tck",
                "--drivers",
                work.resolve("drivers").toString(),
                "--device",
                "sim:beacon",
                "--foreign",
                "sim:beacon?state=128");
    assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
    assertThat(run.out()).contains("v1-beacon");
  }

  @Test
  void withoutTheAdapterBesideItTheReasonIsTold() throws Exception {
    beacon(true);
    CommandRun run =
        new Distribution(work).run("drivers", "--drivers", work.resolve("drivers").toString());
    assertThat(run.out().replaceAll("\\s+", " "))
        .contains(
            "module com.example.beacon.v1 requires io.vferry.compat.v1, which is not beside it");
  }
}
