package io.vferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/**
 * Compares each help text with the one that was last read by a person. After a change, run the test
 * with {@code -Dvferry.help.accept=true} and read the difference.
 */
class HelpTest {

  private static final Path EXPECTED = Path.of("src/test/resources/io/vferry/cli/help");

  static Stream<String> commands() {
    CommandLine root = Main.commandLine(new Interruption());
    return Stream.concat(Stream.of(""), below(root, ""));
  }

  private static Stream<String> below(CommandLine command, String prefix) {
    return command.getSubcommands().entrySet().stream()
        .flatMap(
            entry ->
                Stream.concat(
                    Stream.of(prefix + entry.getKey()),
                    below(entry.getValue(), prefix + entry.getKey() + " ")));
  }

  @ParameterizedTest
  @MethodSource("commands")
  void readsAsAccepted(String command) throws Exception {
    CommandRun run = CommandRun.of((command + " --help").strip().split(" "));
    Path file =
        EXPECTED.resolve((command.isEmpty() ? "vferry" : command.replace(' ', '-')) + ".txt");
    if (Boolean.getBoolean("vferry.help.accept")) {
      Files.createDirectories(EXPECTED);
      Files.writeString(file, run.out());
    }

    assertThat(run.out()).isEqualTo(Files.readString(file));
    assertThat(run.exitCode()).isZero();
    assertThat(run.err()).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("commands")
  void hasThePartsOfAManual(String command) {
    List<String> lines = CommandRun.of((command + " -h").strip().split(" ")).out().lines().toList();

    assertThat(lines)
        .contains("Name", "Synopsis", "Description", "Options", "Exit codes", "Examples")
        .allSatisfy(line -> assertThat(line).hasSizeLessThan(81));
  }
}
