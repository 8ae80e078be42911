package io.vferry.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.architecture.House.Room;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A jar compiled against the last release of {@code spi} works with today's, and compiles against
 * it. The release's jar is recorded beside this test, see {@code .ci/record-spi}.
 */
class SpiCompatibilityTest {

  private static final Path FOLDER = Path.of("src", "test", "resources", "spi");

  /** What was given up on purpose, with a new major version. */
  private static final Path DELIBERATE = FOLDER.resolve("deliberate-breaks.txt");

  /** The number that says how far the interface has come is meant to change. */
  private static final Pattern LEVEL =
      Pattern.compile("CONSTANT_CHANGED io\\.vferry\\.spi\\.driver\\.SpiLevel\\.(MAJOR|MINOR) .*");

  private static final Pattern SINCE = Pattern.compile("@since (\\d+)\\.(\\d+)");

  @TempDir private static Path work;
  private static Path released = FOLDER;
  private static Path today = FOLDER;

  @BeforeAll
  static void findBothJars() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      List<Path> jars = files.filter(file -> file.toString().endsWith(".jar")).toList();
      assertThat(jars).as("the jar of the last release in %s", FOLDER).hasSize(1);
      released = jars.get(0);
    }
    today = work.resolve("spi.jar");
    int code =
        ToolProvider.findFirst("jar")
            .orElseThrow()
            .run(
                System.out,
                System.err,
                "--create",
                "--file",
                today.toString(),
                "-C",
                spi().classes().toString(),
                ".");
    assertThat(code).isZero();
  }

  private static Room spi() {
    return House.rooms().stream()
        .filter(room -> room.folder().equals("spi"))
        .findFirst()
        .orElseThrow();
  }

  private record Level(int major, int minor) {

    boolean isAfter(Level other) {
      return major > other.major || (major == other.major && minor > other.minor);
    }
  }

  private static Level level(Path jar) throws IOException, ReflectiveOperationException {
    try (URLClassLoader loader =
        new URLClassLoader(new URL[] {jar.toUri().toURL()}, ClassLoader.getPlatformClassLoader())) {
      Class<?> type = loader.loadClass("io.vferry.spi.driver.SpiLevel");
      return new Level(
          (Integer) type.getField("MAJOR").get(null), (Integer) type.getField("MINOR").get(null));
    }
  }

  private static List<String> breaks() throws IOException {
    return SpiBreaks.between(released, today).stream()
        .filter(line -> !LEVEL.matcher(line).matches())
        .toList();
  }

  private static List<String> deliberate() throws IOException {
    return Files.readAllLines(DELIBERATE).stream()
        .filter(line -> !line.isBlank() && !line.startsWith("#"))
        .toList();
  }

  @Test
  void nothingIsTakenFromShippedDrivers() throws IOException {
    assertThat(breaks())
        .as("keep it, or list it in %s and raise SpiLevel.MAJOR", DELIBERATE)
        .isSubsetOf(deliberate());
  }

  @Test
  void whatIsListedAsBrokenIsBroken() throws Exception {
    assertThat(breaks()).containsAll(deliberate());
    if (!deliberate().isEmpty()) {
      assertThat(level(today).major()).isGreaterThan(level(released).major());
    }
  }

  @Test
  void anAdditionRaisesTheLevel() throws Exception {
    Level before = level(released);
    Level now = level(today);
    List<String> added = SpiBreaks.additions(released, today);

    assertThat(before.isAfter(now)).as("SpiLevel went back from %s to %s", before, now).isFalse();
    assertThat(added.isEmpty() || now.isAfter(before))
        .as("raise SpiLevel.MINOR, it is %s as in the last release, for %s", now, added)
        .isTrue();
  }

  /** A new type says since when it is there; so does a new member of an old type. */
  @Test
  void anAdditionSaysSinceWhen() throws Exception {
    Level before = level(released);
    Map<String, List<String>> byFile =
        SpiBreaks.additions(released, today).stream()
            .collect(Collectors.groupingBy(SpiCompatibilityTest::file));
    for (Map.Entry<String, List<String>> file : byFile.entrySet()) {
      String source =
          Files.readString(House.ROOT.resolve("spi/src/main/java").resolve(file.getKey()));
      Matcher said = SINCE.matcher(source);
      boolean newer =
          said.results()
              .map(one -> new Level(Integer.parseInt(one.group(1)), Integer.parseInt(one.group(2))))
              .anyMatch(level -> level.isAfter(before));
      assertThat(newer).as("%s has no @since for %s", file.getKey(), file.getValue()).isTrue();
    }
  }

  /** Returns the source of a type or member, whose types begin with a capital. */
  private static String file(String added) {
    Function<String, Boolean> isType = part -> Character.isUpperCase(part.charAt(0));
    StringBuilder path = new StringBuilder();
    for (String part : added.split("[.$(]")) {
      path.append(path.isEmpty() ? "" : "/").append(part);
      if (isType.apply(part)) {
        return path + ".java";
      }
    }
    throw new IllegalArgumentException(added + " names no type");
  }
}
