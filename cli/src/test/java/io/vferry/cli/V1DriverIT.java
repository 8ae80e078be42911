package io.vferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A jar written for v1 in a driver directory, beside the jar that adapts it. */
class V1DriverIT {

  private static final String DRIVER =
      """
      package acme;

      import io.vferry.compat.v1.V1Device;
      import io.vferry.compat.v1.V1Driver;
      import io.vferry.spi.driver.DriverInfo;
      import io.vferry.spi.driver.DriverMatch;
      import io.vferry.spi.host.HostDevice;
      import io.vferry.spi.host.HostDeviceInfo;

      public final class AcmeDriver implements V1Driver {
        public DriverInfo info() {
          return new DriverInfo("acme", "Acme", "5.8");
        }
        public DriverMatch match(HostDeviceInfo device) {
          return DriverMatch.none("none of Acme's");
        }
        public V1Device attach(HostDevice device) {
          throw new IllegalStateException();
        }
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

  private Path acme(boolean module) throws Exception {
    Path sources = Files.createDirectories(work.resolve("src/acme"));
    List<String> arguments =
        new ArrayList<>(List.of("-d", work.resolve("out").toString(), "-proc:none", "-nowarn"));
    String lib =
        adapter() + File.pathSeparator + String.join(File.pathSeparator, jars("vferry-spi"));
    arguments.addAll(List.of(module ? "--module-path" : "--class-path", lib));
    arguments.add(Files.writeString(sources.resolve("AcmeDriver.java"), DRIVER).toString());
    if (module) {
      arguments.add(
          Files.writeString(
                  work.resolve("src/module-info.java"),
                  "module acme { requires io.vferry.compat.v1;"
                      + " provides io.vferry.compat.v1.V1Driver with acme.AcmeDriver; }")
              .toString());
    }
    StringWriter messages = new StringWriter();
    PrintWriter writer = new PrintWriter(messages);
    assertThat(
            ToolProvider.findFirst("javac")
                .orElseThrow()
                .run(writer, writer, arguments.toArray(String[]::new)))
        .as(messages.toString())
        .isZero();
    Path jar = Files.createDirectories(work.resolve("drivers/acme")).resolve("acme.jar");
    try (OutputStream out = Files.newOutputStream(jar);
        JarOutputStream zip = new JarOutputStream(out)) {
      for (String name :
          module ? List.of("module-info", "acme/AcmeDriver") : List.of("acme/AcmeDriver")) {
        zip.putNextEntry(new JarEntry(name + ".class"));
        zip.write(Files.readAllBytes(work.resolve("out").resolve(name + ".class")));
      }
      if (!module) {
        zip.putNextEntry(new JarEntry("META-INF/services/io.vferry.compat.v1.V1Driver"));
        zip.write("acme.AcmeDriver\n".getBytes(StandardCharsets.UTF_8));
      }
    }
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
    Path jar = acme(module);
    Files.copy(adapter(), jar.resolveSibling("vferry-compat-v1.jar"));

    CommandRun run =
        new Distribution(work)
            .run("drivers", "--drivers", work.resolve("drivers").toString(), "-o", "json");

    Map<String, Object> found = JsonValue.parseObject(run.out());
    assertThat((List<?>) found.get("rejected")).isEmpty();
    assertThat((List<?>) found.get("drivers"))
        .filteredOn(driver -> "v1-acme".equals(((Map<?, ?>) driver).get("id")))
        .singleElement()
        .satisfies(
            driver -> {
              assertThat(((Map<?, ?>) driver).get("vendor")).isEqualTo("Acme");
              assertThat(((Map<?, ?>) driver).get("isolation").toString()).contains(isolation);
            });
  }

  @Test
  void withoutTheAdapterBesideItTheReasonIsTold() throws Exception {
    acme(true);
    CommandRun run =
        new Distribution(work).run("drivers", "--drivers", work.resolve("drivers").toString());
    assertThat(run.out().replaceAll("\\s+", " "))
        .contains("module acme requires io.vferry.compat.v1, which is not beside it");
  }
}
