package io.vferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The conformance kit from the command line, on each driver of this project. */
class TckIT {

  @TempDir private Path state;

  private Distribution vferry;

  @BeforeEach
  void prepare() {
    vferry = new Distribution(state);
  }

  private CommandRun check(String device, Stream<String> more) throws Exception {
    List<String> command = new ArrayList<>(List.of("tck", "--device", device));
    more.filter(option -> !option.isEmpty()).forEach(command::add);
    return vferry.run(command.toArray(String[]::new));
  }

  private static void assertConforms(CommandRun run, String driver, int passed) {
    assertThat(run.exitCode()).as(run.toString()).isZero();
    assertThat(run.out())
        .contains("conformance: **conforms** " + driver + " ")
        .doesNotContain("FAILED");
    // A kit that finds nothing applicable would conform as well.
    assertThat(run.out().lines().filter(line -> line.startsWith("passed ")))
        .as(run.out())
        .hasSizeGreaterThanOrEqualTo(passed);
  }

  @ParameterizedTest
  @CsvSource({
    "sim, sim:mlx5?state=256KiB, '', 85",
    "vfio, sim:mlx5?state=256KiB&host-migration=true, '', 80",
    "hisi-acc, sim:hisi-zip-vf, --no-checksums, 70",
    "mlx5, sim:mlx5-vf?state=400KiB&chunk-size=128KiB, --driver-keeps-state, 80",
  })
  void eachDriverConforms(String driver, String device, String option, int passed)
      throws Exception {
    assertConforms(check(device, Stream.of(option)), driver, passed);
  }

  /** A server takes one client at a time, like hardware, which is open only once. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void oneServedDeviceIsEnough() throws Exception {
    String socket = state.resolve("one.sock").toString();
    try (Distribution.Running server =
        vferry.start("serve", "pds?state=64KiB&service-time=0", "--socket", socket)) {
      server.awaitOut(line -> line.contains("serving"));
      assertConforms(check("vfio-user:" + socket, Stream.empty()), "vfio", 45);
    }
  }

  /** The kit asks for a claim that it cannot find out, and tries the stream it was given. */
  @Test
  void whatIsBrokenIsTold() throws Exception {
    Path rubbish = Files.writeString(state.resolve("earlier.stream"), "no stream at all");
    CommandRun run = check("sim:hisi-zip-vf", Stream.of("--earlier", rubbish.toString()));

    assertThat(run.exitCode()).as(run.toString()).isEqualTo(ExitCode.BROKEN.number());
    assertThat(run.out())
        .contains("load.bit-flips is broken", "'vferry tck --no-checksums'")
        .contains("load.earlier is broken");
  }

  @Test
  void aStreamThatIsNotThereIsAMistakeOfTheUser() {
    CommandRun run = CommandRun.of("tck", "--device", "sim:mtty", "--earlier", "gone.stream");

    assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE.number());
    assertThat(run.err()).contains("--earlier: gone.stream cannot be read");
  }
}
