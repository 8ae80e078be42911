package io.vferry.tck.mutant;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.FeatureSet;
import io.vferry.tck.Check;
import io.vferry.tck.CheckResult;
import io.vferry.tck.ConformanceKit;
import io.vferry.tck.Limits;
import io.vferry.tck.Replay;
import io.vferry.tck.Verdict;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The kit is tested by drivers with one mistake each. */
class MutantsTest {

  /** A call that hangs has to be noticed soon; nothing else waits for this. */
  private static final Limits LIMITS = new Limits(2_000_000_000L, 1);

  @ParameterizedTest
  @EnumSource(FeatureSet.class)
  void theDriverWithoutAMistakeConforms(FeatureSet features) throws MigrationException {
    ConformanceKit kit = new ConformanceKit(new MutantSubject(null, features), LIMITS);
    List<String> broken = new ArrayList<>();
    for (Check check : ConformanceKit.checks()) {
      CheckResult result = kit.run(check);
      if (result.verdict() == Verdict.FAILED) {
        broken.add(result.explanation());
      }
      if (features == FeatureSet.STOP_COPY_P2P_PRE_COPY) {
        assertThat(result.verdict())
            .as("%s: %s", check.id(), result.explanation())
            .isNotEqualTo(
                check.id().equals("states.unsupported-arc") ? null : Verdict.NOT_APPLICABLE);
      }
    }
    assertThat(broken).isEmpty();
  }

  @Test
  void eachMutantIsKilledByItsCheck(TestReporter reporter) throws MigrationException {
    List<String> survivors = new ArrayList<>();
    List<String> byAccident = new ArrayList<>();
    for (Mutation mutation : Mutation.values()) {
      ConformanceKit kit = kit(mutation);
      CheckResult result = run(kit, mutation);
      if (result.verdict() != Verdict.FAILED) {
        survivors.add(mutation + " survives " + mutation.check() + ": " + result.verdict());
        continue;
      }
      // What is shown must be the mistake's doing: without it the same sequence goes through.
      Replay.ofLastFailure(kit, new MutantSubject(null, features(mutation)), LIMITS)
          .ifPresent(
              reason ->
                  byAccident.add(
                      "%s: %s; without it: %s".formatted(mutation, result.explanation(), reason)));
    }
    int killed = Mutation.values().length - survivors.size();
    reporter.publishEntry(
        "kill-rate", "%d of %d mutants".formatted(killed, Mutation.values().length));
    assertThat(survivors).as("killed %d of %d", killed, Mutation.values().length).isEmpty();
    assertThat(byAccident).as("killed by accident").isEmpty();
  }

  @Test
  void eachCheckKillsAMutantOfItsOwn() {
    Set<String> meant =
        Arrays.stream(Mutation.values()).map(Mutation::check).collect(Collectors.toSet());
    assertThat(ConformanceKit.checks().stream().map(Check::id)).allMatch(meant::contains);
  }

  private static FeatureSet features(Mutation mutation) {
    return mutation == Mutation.UNCLAIMED_ARC_PERFORMED
        ? FeatureSet.STOP_COPY_PRE_COPY
        : FeatureSet.STOP_COPY_P2P_PRE_COPY;
  }

  private static ConformanceKit kit(Mutation mutation) {
    return new ConformanceKit(new MutantSubject(mutation, features(mutation)), LIMITS);
  }

  private static CheckResult run(ConformanceKit kit, Mutation mutation) throws MigrationException {
    Check check =
        ConformanceKit.checks().stream()
            .filter(one -> one.id().equals(mutation.check()))
            .findFirst()
            .orElseThrow(() -> new AssertionError("there is no check " + mutation.check()));
    CheckResult result = kit.run(check);
    if (Boolean.getBoolean("vferry.tck.tell")) {
      System.err.println(mutation + "\n" + result.explanation() + "\n");
    }
    return result;
  }
}
