package io.vferry.runtime.migration;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.report.Phase;
import java.util.Optional;

/** Why a migration does not complete: what went wrong first, and what came of it. */
final class Failure {

  private Optional<Problem> problem = Optional.empty();

  boolean happened() {
    return problem.isPresent();
  }

  Optional<Problem> problem() {
    return problem;
  }

  /** This is why, whatever was before. */
  void is(Problem why) {
    problem = Optional.of(why);
  }

  /** Something went wrong after the first failure, or is the first. */
  void then(Problem more) {
    problem =
        Optional.of(
            problem
                .map(
                    first ->
                        new Problem(
                            first.code(),
                            first.device(),
                            first.text() + " Then: " + more.text(),
                            first.state(),
                            first.condition()))
                .orElse(more));
  }

  /** Returns the phase in which a migration ends that failed so. */
  Phase phase() {
    return problem.filter(why -> why.code().equals(RuntimeError.CANCELLED.label())).isPresent()
        ? Phase.CANCELLED
        : Phase.FAILED;
  }
}
