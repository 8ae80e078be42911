package io.vferry.host.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Compares the numbers and layouts of the kernel interface with a recorded table, and with what a C
 * compiler makes of this host's headers, as far as these know the names.
 *
 * <p>The table was printed by {@link #aCompilerAgreesOnWhatItsHeadersKnow} with the headers of
 * Linux 6.12: set VFERRY_UAPI_HEADERS to a folder that contains {@code linux/vfio.h}, and the
 * system property {@code vferry.uapi=write}.
 */
class UapiTest {

  private static final Path GOLDEN = Path.of("src/test/resources/uapi-linux-6.12.txt");

  /** What only kernels after 6.12 have. */
  private static final Set<String> NEWER =
      Set.of("VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2", "VFIO_PRECOPY_INFO_REINIT");

  /** Fields were added at their ends before or after 6.12; the kernel takes each size. */
  private static final Set<String> GROWN =
      Set.of(
          "sizeof(struct vfio_device_info)",
          "sizeof(struct vfio_device_bind_iommufd)",
          "sizeof(struct vfio_device_attach_iommufd_pt)");

  private static final Pattern LINE_OF_ERROR = Pattern.compile("probe\\.c:(\\d+):\\d+: error:");

  /** A C expression, and the value that Java uses for it. */
  private static Map<String, Long> java() throws IllegalAccessException {
    Map<String, Long> values = new TreeMap<>();
    for (Class<?> header : List.of(VfioUapi.class, IommufdUapi.class)) {
      for (Field field : header.getDeclaredFields()) {
        if (Modifier.isStatic(field.getModifiers())) {
          values.put(field.getName(), (long) field.getInt(null));
        }
      }
      for (Class<?> layout : header.getDeclaredClasses()) {
        CStruct struct = layout.getAnnotation(CStruct.class);
        assertThat(struct).as("structure of %s", layout).isNotNull();
        for (Field field : layout.getDeclaredFields()) {
          String name = field.getName().toLowerCase(Locale.ROOT);
          values.put(
              name.equals("sizeof")
                  ? "sizeof(struct " + struct.value() + ")"
                  : "offsetof(struct " + struct.value() + ", " + name + ")",
              (long) field.getInt(null));
        }
      }
    }
    assertThat(values).hasSizeGreaterThan(150);
    return values;
  }

  @Test
  void theRecordedTableAgrees() throws Exception {
    Map<String, Long> expected = new TreeMap<>(java());
    expected.keySet().removeAll(NEWER);
    assertThat(read(Files.readAllLines(GOLDEN))).isEqualTo(expected);
  }

  @Test
  void aCompilerAgreesOnWhatItsHeadersKnow(@TempDir Path work) throws Exception {
    Path headers = Path.of(System.getenv().getOrDefault("VFERRY_UAPI_HEADERS", "/usr/include"));
    assumeTrue(Files.exists(headers.resolve("linux/vfio.h")), "headers of the kernel");
    assumeTrue(run(work, "gcc", "--version").status == 0, "a C compiler");

    Map<String, Long> java = java();
    List<String> asked = new ArrayList<>(java.keySet());
    // A name that these headers do not know is an error on its line; the rest is asked again.
    Run first = compile(work, headers, asked);
    Set<String> unknown = new TreeSet<>();
    Matcher errors = LINE_OF_ERROR.matcher(first.output);
    while (errors.find()) {
      unknown.add(asked.get(Integer.parseInt(errors.group(1)) - PROLOGUE.size() - 1));
    }
    asked.removeAll(unknown);
    Run second = compile(work, headers, asked);
    assertThat(second.status).as(second.output).isZero();

    Run printed = run(work, work.resolve("probe").toString());
    List<String> lines = printed.output.lines().toList();
    if ("write".equals(System.getProperty("vferry.uapi"))) {
      Files.createDirectories(GOLDEN.getParent());
      Files.write(GOLDEN, lines);
    }
    Map<String, Long> truth = read(lines);
    // Linux 5.18, the first kernel that can migrate, knows this much.
    assertThat(truth).hasSizeGreaterThan(100).containsKey("VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE");
    Map<String, Long> common = new TreeMap<>(java);
    common.keySet().retainAll(truth.keySet());
    common.keySet().removeAll(GROWN);
    truth.keySet().removeAll(GROWN);
    assertThat(common).isEqualTo(truth);
  }

  private static final List<String> PROLOGUE =
      List.of(
          "#include <stddef.h>",
          "#include <stdio.h>",
          "#include <linux/vfio.h>",
          "#if __has_include(<linux/iommufd.h>)",
          "#include <linux/iommufd.h>",
          "#endif",
          "int main(void) {");

  private static Run compile(Path work, Path headers, List<String> expressions)
      throws IOException, InterruptedException {
    List<String> source = new ArrayList<>(PROLOGUE);
    for (String expression : expressions) {
      source.add(
          "printf(\"%s = %lld\\n\", \"" + expression + "\", (long long)(" + expression + "));");
    }
    source.add("return 0; }");
    Files.write(work.resolve("probe.c"), source);
    return run(work, "gcc", "-D__user=", "-isystem", headers.toString(), "-o", "probe", "probe.c");
  }

  private record Run(int status, String output) {}

  private static Run run(Path folder, String... command) throws InterruptedException {
    try {
      ProcessBuilder builder =
          new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
      builder.environment().put("LC_ALL", "C");
      Process process = builder.start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return new Run(process.waitFor(), output);
    } catch (IOException e) {
      return new Run(-1, e.toString());
    }
  }

  private static Map<String, Long> read(List<String> lines) {
    Map<String, Long> values = new TreeMap<>();
    for (String line : lines) {
      int equals = line.lastIndexOf(" = ");
      values.put(line.substring(0, equals), Long.parseLong(line.substring(equals + 3)));
    }
    return values;
  }
}
