package io.vferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs the launcher script. */
class LauncherIT {

  private static final Path SCRIPT = Path.of("../vferry").toAbsolutePath().normalize();

  /** What the script needs beside Java and Maven. */
  private static final List<String> TOOLS =
      List.of("bash", "cat", "dirname", "find", "flock", "mktemp", "mkdir", "mv", "readlink", "rm");

  @TempDir private Path root;

  private Path tools;

  @BeforeEach
  void prepare() throws Exception {
    tools = Files.createDirectory(root.resolve("tools"));
    for (String tool : TOOLS) {
      for (String directory : List.of("/usr/bin", "/bin")) {
        Path original = Path.of(directory, tool);
        if (Files.exists(original)) {
          script(tools.resolve(tool), "#!/bin/sh\nexec " + original + " \"$@\"\n");
        }
      }
    }
  }

  @Test
  void runsAnInstalledCopyThroughALink() throws Exception {
    Path installed = Files.createDirectory(root.resolve("installed"));
    Files.copy(SCRIPT, installed.resolve("vferry"));
    Path lib = Files.createDirectory(installed.resolve("lib"));
    try (Stream<Path> jars = Files.list(Distribution.folder().resolve("lib"))) {
      for (Path jar : jars.toList()) {
        Files.copy(jar, lib.resolve(jar.getFileName()));
      }
    }
    Path link = Files.createSymbolicLink(root.resolve("link"), installed.resolve("vferry"));

    CommandRun run = run(link, Map.of("JAVA_HOME", System.getProperty("java.home")), "--version");

    assertThat(run.exitCode()).as(run.toString()).isZero();
    assertThat(run.out()).startsWith("vferry ");
  }

  @Test
  void saysThatThereIsNoJava() throws Exception {
    CommandRun run = run(SCRIPT, Map.of(), "drivers");

    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.err())
        .isEqualTo("vferry: there is no java; install a JDK 17 or newer, or set JAVA_HOME\n");
  }

  @Test
  void saysThatJavaIsTooOld() throws Exception {
    Path home = java("11.0.2", "#!/bin/sh\n");

    CommandRun run = run(SCRIPT, Map.of("JAVA_HOME", home.toString()), "drivers");

    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.err()).contains("is Java 11; install a JDK 17 or newer");
  }

  @Test
  void saysThatThereIsNoMaven() throws Exception {
    Path tree = tree();
    Path home = java("17.0.9", "#!/bin/sh\n");

    CommandRun run = run(tree.resolve("vferry"), Map.of("JAVA_HOME", home.toString()), "drivers");

    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.err())
        .isEqualTo("vferry: there is no mvn to build vferry with; install Maven 3.8 or newer\n");
  }

  @Test
  void buildsOnceAndAgainWhenASourceIsNewer() throws Exception {
    Path tree = tree();
    Path home = java("17.0.9", "#!/bin/sh\necho ran\n");
    script(
        tools.resolve("mvn"),
        "#!/bin/sh\necho built >>"
            + root
            + "/builds\nmkdir -p "
            + tree
            + "/cli/target/vferry/lib\n");
    Map<String, String> environment = Map.of("JAVA_HOME", home.toString());
    Path source = tree.resolve("runtime/src/main/A.java");

    assertThat(run(tree.resolve("vferry"), environment, "drivers").out()).isEqualTo("ran\n");
    assertThat(run(tree.resolve("vferry"), environment, "drivers").out()).isEqualTo("ran\n");
    assertThat(Files.readAllLines(root.resolve("builds"))).hasSize(1);

    Files.setLastModifiedTime(
        source,
        FileTime.fromMillis(
            Files.getLastModifiedTime(tree.resolve("cli/target/vferry.built")).toMillis() + 1000));
    assertThat(run(tree.resolve("vferry"), environment, "drivers").out()).isEqualTo("ran\n");
    assertThat(Files.readAllLines(root.resolve("builds"))).hasSize(2);
  }

  @Test
  void showsTheLogOfABuildThatFailed() throws Exception {
    Path tree = tree();
    Path home = java("17.0.9", "#!/bin/sh\necho ran\n");
    script(tools.resolve("mvn"), "#!/bin/sh\necho 'does not compile'\nexit 1\n");

    CommandRun run = run(tree.resolve("vferry"), Map.of("JAVA_HOME", home.toString()), "drivers");

    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).contains("does not compile", "vferry: the build failed; the log is ");
    assertThat(tree.resolve("cli/target/vferry.built")).doesNotExist();
  }

  /** A source tree with nothing in it. */
  private Path tree() throws Exception {
    Path tree = Files.createDirectory(root.resolve("tree"));
    Files.copy(SCRIPT, tree.resolve("vferry"));
    Files.writeString(tree.resolve("pom.xml"), "");
    Files.createDirectory(tree.resolve("cli"));
    Files.writeString(tree.resolve("cli/pom.xml"), "    <artifactId>vferry-runtime</artifactId>\n");
    Files.createDirectories(tree.resolve("runtime/src/main"));
    Files.writeString(tree.resolve("runtime/src/main/A.java"), "");
    return tree;
  }

  /** Something that looks like a JDK. */
  private Path java(String version, String text) throws Exception {
    Path home = Files.createDirectories(root.resolve("jdk"));
    Files.createDirectories(home.resolve("bin"));
    Files.writeString(home.resolve("release"), "JAVA_VERSION=\"" + version + "\"\n");
    script(home.resolve("bin/java"), text);
    script(home.resolve("bin/javac"), "#!/bin/sh\n");
    return home;
  }

  private static void script(Path file, String text) throws Exception {
    Files.writeString(file, text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private CommandRun run(Path script, Map<String, String> environment, String... arguments)
      throws Exception {
    ProcessBuilder builder = new ProcessBuilder("/bin/bash", script.toString());
    builder.command().addAll(List.of(arguments));
    builder.environment().clear();
    builder.environment().put("PATH", tools.toString());
    builder.environment().putAll(environment);
    Path out = root.resolve("out");
    Path err = root.resolve("err");
    Process process = builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start();
    process.getOutputStream().close();
    if (!process.waitFor(120, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("the script did not end: " + Files.readString(err));
    }
    return new CommandRun(
        process.exitValue(),
        Files.readString(out, StandardCharsets.UTF_8),
        Files.readString(err, StandardCharsets.UTF_8));
  }
}
