package io.vferry.tck;

import java.util.List;
import java.util.Optional;

/** Makes a sequence that breaks a promise as short as it gets. */
final class Shrinker {

  private static final int MAX_RUNS = 300;

  private final ScriptRunner runner;
  private int runs;

  Shrinker(ScriptRunner runner) {
    this.runner = runner;
  }

  /** Returns the shortest failure of the same kind that was found. */
  Failure shrink(Failure found) {
    Failure best = found;
    if (found.hung()) {
      return best;
    }
    for (int length = Math.max(1, best.steps().size() / 2); length >= 1; length /= 2) {
      boolean shorter = true;
      while (shorter) {
        shorter = false;
        // From the end, where what comes after the cause is; the last step is the one that fails.
        for (int from = best.steps().size() - 1 - length; from >= 0; from--) {
          Optional<Failure> tried = attempt(best, from, from + length);
          if (tried.isPresent()) {
            best = tried.get();
            from = Math.min(from, best.steps().size() - length);
            shorter = true;
          }
          if (runs > MAX_RUNS) {
            return best;
          }
        }
      }
    }
    return best;
  }

  private Optional<Failure> attempt(Failure best, int from, int to) {
    runs++;
    return runner
        .run(new Script(best.steps()).without(from, to))
        .filter(failure -> failure.kind().equals(best.kind()) && !failure.hung())
        .filter(failure -> failure.steps().size() < best.steps().size());
  }

  static List<String> texts(Failure failure) {
    return failure.steps().stream().map(Step::text).toList();
  }
}
