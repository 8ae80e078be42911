package io.vferry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PathCommandTest {

  @Test
  void printsOneArcPerLine() {
    CommandRun run = CommandRun.of("path", "RUNNING", "STOP_COPY", "--features", "p2p,pre-copy");

    assertThat(run.out())
        .isEqualTo("RUNNING -> RUNNING_P2P\nRUNNING_P2P -> STOP\nSTOP -> STOP_COPY\n");
    assertThat(run.err()).isEmpty();
    assertThat(run.exitCode()).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "none, RUNNING STOP, RUNNING -> STOP",
    "p2p, RUNNING STOP, RUNNING -> RUNNING_P2P|RUNNING_P2P -> STOP",
    "pre-copy, PRE_COPY STOP_COPY, PRE_COPY -> STOP_COPY",
    "'pre-copy,p2p', pre-copy stop-copy, PRE_COPY -> PRE_COPY_P2P|PRE_COPY_P2P -> STOP_COPY",
    "p2p, RESUMING RUNNING, RESUMING -> STOP|STOP -> RUNNING_P2P|RUNNING_P2P -> RUNNING",
    "none, RUNNING RUNNING, ''"
  })
  void findsThePathForEachFeatureSet(String features, String pair, String arcs) {
    String[] ends = pair.split(" ");
    CommandRun run = CommandRun.of("path", ends[0], ends[1], "--features", features);

    assertThat(run.out().lines())
        .containsExactlyElementsOf(arcs.isEmpty() ? List.of() : List.of(arcs.split("\\|")));
    assertThat(run.exitCode()).isZero();
  }

  @Test
  void refusesWithTheReason() {
    CommandRun run = CommandRun.of("path", "RUNNING", "PRE_COPY", "--features", "p2p");

    assertThat(run.out()).isEmpty();
    assertThat(run.err())
        .isEqualTo(
            "refused: RUNNING -> PRE_COPY: a device with STOP_COPY_P2P has no state PRE_COPY\n");
    assertThat(run.exitCode()).isEqualTo(3);
  }

  @Test
  void printsAllPairsAsJson() throws Exception {
    CommandRun run =
        CommandRun.of("path", "--all", "--features", "p2p,pre-copy", "--output", "json");

    assertThat(run.exitCode()).isZero();
    List<?> pairs = (List<?>) JsonValue.parse(run.out());
    assertThat(pairs).hasSize(64);
    assertThat(run.out())
        .contains(
            "{\"from\":\"RUNNING\",\"to\":\"STOP\",\"arcs\":[[\"RUNNING\",\"RUNNING_P2P\"],[\"RUNNING_P2P\",\"STOP\"]]}")
        .contains("{\"from\":\"STOP\",\"to\":\"STOP\",\"arcs\":[]}")
        .contains(
            "{\"from\":\"ERROR\",\"to\":\"STOP\",\"refused\":\"a device in ERROR leaves it only by reset\"}");
  }

  @Test
  void printsOnePairAsJson() {
    CommandRun taken = CommandRun.of("path", "STOP", "RUNNING", "--output=json");
    CommandRun refused = CommandRun.of("path", "ERROR", "RUNNING", "--output=json");

    assertThat(taken.out())
        .isEqualTo("{\"from\":\"STOP\",\"to\":\"RUNNING\",\"arcs\":[[\"STOP\",\"RUNNING\"]]}\n");
    assertThat(refused.out())
        .isEqualTo(
            "{\"from\":\"ERROR\",\"to\":\"RUNNING\",\"refused\":\"a device in ERROR leaves it only by reset\"}\n");
    assertThat(refused.exitCode()).isEqualTo(3);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "path | missing FROM and TO, or --all",
        "path STOP | missing TO",
        "path STOP RUNING | TO: 'RUNING' is no device state; did you mean 'RUNNING'?",
        "path STOP STOP STOP | one argument too many, 'STOP'",
        "path --all STOP | --all stands in place of FROM and TO",
        "path --features precopy --all | Invalid value for option '--features': 'precopy' is no feature; did you mean 'pre-copy'?",
        "path --output xml --all | Invalid value for option '--output': 'xml' is no format; known: text, json",
        "path --ouput json --all | unknown option '--ouput'; did you mean '--output'?"
      })
  void saysWhatIsWrongWithTheCommandLine(String command, String message) {
    CommandRun run = CommandRun.of(command.split(" "));

    assertThat(run.err())
        .isEqualTo("vferry path: " + message + " ('vferry path --help' says more)\n");
    assertThat(run.out()).isEmpty();
    assertThat(run.exitCode()).isEqualTo(2);
  }
}
