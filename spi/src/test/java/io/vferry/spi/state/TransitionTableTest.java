package io.vferry.spi.state;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class TransitionTableTest {

  @ParameterizedTest
  @EnumSource
  void everyPairIsWhatTheRulesGive(FeatureSet features) {
    PathOracle oracle = new PathOracle(features.p2p(), features.preCopy());
    for (DeviceState from : DeviceState.values()) {
      for (DeviceState to : DeviceState.values()) {
        List<List<String>> expected = oracle.shortestPaths(from.name(), to.name());
        assertThat(expected)
            .as("the rules are unambiguous for %s to %s", from, to)
            .hasSizeLessThan(2);
        List<String> actual = statesPassed(features, from, to);
        assertThat(actual)
            .as("%s: %s to %s", features, from, to)
            .isEqualTo(expected.isEmpty() ? List.of() : expected.get(0));
      }
    }
  }

  @Test
  void everyPairIsWhatTheKernelGives() throws IOException {
    Set<String> seen = new HashSet<>();
    for (String line : golden()) {
      String[] cells = line.split(" \\| ");
      FeatureSet features = FeatureSet.ofFlags(Long.parseLong(cells[0])).orElseThrow();
      DeviceState from = DeviceState.valueOf(cells[1]);
      DeviceState to = DeviceState.valueOf(cells[2]);
      List<String> expected = cells[3].equals("refused") ? List.of() : List.of(cells[3].split(" "));
      assertThat(statesPassed(features, from, to)).as(line).isEqualTo(expected);
      assertThat(seen.add(cells[0] + cells[1] + ">" + cells[2])).as(line).isTrue();
    }
    assertThat(seen).as("pairs in the table").hasSize(4 * 8 * 8);
  }

  @ParameterizedTest
  @CsvSource({
    "STOP_COPY, 12, 0, 2",
    "STOP_COPY_P2P, 20, 0, 3",
    "STOP_COPY_PRE_COPY, 19, 1, 3",
    "STOP_COPY_P2P_PRE_COPY, 40, 2, 4"
  })
  void pathsAreAsManyAndAsLongAsInTheKernel(
      FeatureSet features, int allowed, int refused, int longest) {
    int paths = 0;
    int refusals = 0;
    int longestSeen = 0;
    for (DeviceState from : DeviceState.values()) {
      for (DeviceState to : DeviceState.values()) {
        if (from == to || from == DeviceState.ERROR || to == DeviceState.ERROR) {
          continue;
        }
        if (!features.supports(from) || !features.supports(to)) {
          continue;
        }
        if (TransitionTable.of(features).transition(from, to) instanceof Transition.Path path) {
          paths++;
          longestSeen = Math.max(longestSeen, path.arcs().size());
        } else {
          refusals++;
        }
      }
    }
    assertThat(List.of(paths, refusals, longestSeen)).isEqualTo(List.of(allowed, refused, longest));
  }

  @ParameterizedTest
  @EnumSource
  void anArcThatOpensAStreamIsTheLastOfItsPath(FeatureSet features) {
    for (List<Arc> arcs : allPaths(features)) {
      for (Arc arc : arcs.subList(0, Math.max(0, arcs.size() - 1))) {
        assertThat(arc.opensSaveStream() || arc.opensLoadStream())
            .as("%s in %s", arc, arcs)
            .isFalse();
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void arcsOfAPathFollowEachOtherAndAreTheDevices(FeatureSet features) {
    for (List<Arc> arcs : allPaths(features)) {
      for (int i = 0; i < arcs.size(); i++) {
        assertThat(features.supports(arcs.get(i))).as("%s has %s", features, arcs.get(i)).isTrue();
        if (i > 0) {
          assertThat(arcs.get(i).from()).isEqualTo(arcs.get(i - 1).to());
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void aRefusalSaysWhy(FeatureSet features) {
    for (DeviceState from : DeviceState.values()) {
      for (DeviceState to : DeviceState.values()) {
        if (TransitionTable.of(features).transition(from, to)
            instanceof Transition.Refused refused) {
          assertThat(refused.reason()).isNotBlank().doesNotEndWith(".");
        }
      }
    }
  }

  private static List<List<Arc>> allPaths(FeatureSet features) {
    List<List<Arc>> paths = new ArrayList<>();
    for (DeviceState from : DeviceState.values()) {
      for (DeviceState to : DeviceState.values()) {
        if (TransitionTable.of(features).transition(from, to) instanceof Transition.Path path) {
          paths.add(path.arcs());
        }
      }
    }
    assertThat(paths).hasSizeGreaterThanOrEqualTo(16);
    return paths;
  }

  /** The states on the way with both ends; empty if the pair is refused. */
  private static List<String> statesPassed(FeatureSet features, DeviceState from, DeviceState to) {
    if (TransitionTable.of(features).transition(from, to) instanceof Transition.Path path) {
      List<String> states = new ArrayList<>(List.of(from.name()));
      for (Arc arc : path.arcs()) {
        states.add(arc.to().name());
      }
      return states;
    }
    return List.of();
  }

  private static List<String> golden() throws IOException {
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(
                TransitionTableTest.class.getResourceAsStream("transitions.golden.txt"), UTF_8))) {
      return reader.lines().filter(line -> !line.startsWith("#")).toList();
    }
  }
}
