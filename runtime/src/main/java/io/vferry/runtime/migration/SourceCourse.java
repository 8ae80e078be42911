package io.vferry.runtime.migration;

import io.vferry.runtime.report.Phase;
import java.util.List;
import java.util.Optional;

/** How far the source has come, and what went wrong on the way: what its parts share. */
final class SourceCourse {

  private final Failure failure = new Failure();
  private SourceStep step = SourceStep.IDLE;
  private Phase phase = Phase.SETUP;
  private boolean linkUp = true;

  SourceStep step() {
    return step;
  }

  Phase phase() {
    return phase;
  }

  boolean in(SourceStep asked) {
    return step == asked;
  }

  void enter(SourceStep next) {
    step = next;
  }

  void enter(SourceStep next, Phase shown) {
    step = next;
    phase = shown;
  }

  boolean committed() {
    return step.committed();
  }

  boolean failed() {
    return failure.happened();
  }

  /** The destination hears nothing any more. */
  void linkDown() {
    linkUp = false;
  }

  boolean linkUp() {
    return linkUp;
  }

  /** The first failure. */
  void fail(Problem why) {
    failure.is(why);
  }

  /** Something else went wrong; a migration that completed stays so. */
  void alsoFailed(Problem more) {
    if (failure.happened() || phase != Phase.COMPLETED) {
      failure.then(more);
    }
  }

  /** Completed, and this side has nothing more to do. */
  void endCompleted(List<Action> out) {
    finish(false, out);
  }

  /** Failed, and the guest runs here. */
  void endRunningHere(List<Action> out) {
    phase = failure.phase();
    finish(true, out);
  }

  /** Failed, and the guest is ours and does not run. */
  void endStopped(Problem why, List<Action> out) {
    alsoFailed(why);
    phase = Phase.FAILED;
    finish(false, out);
  }

  /** The guest is not ours any more, and we do not know that it runs. */
  void endLost(Problem why, List<Action> out) {
    failure.is(why);
    phase = Phase.FAILED;
    out.add(new Action.StopTransfers());
    finish(false, out);
  }

  private void finish(boolean guestRuns, List<Action> out) {
    step = SourceStep.ENDED;
    Optional<Problem> why = failure.problem();
    out.add(new Action.Finish(phase, why, guestRuns));
  }
}
