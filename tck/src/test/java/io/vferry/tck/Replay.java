package io.vferry.tck;

import java.util.Optional;

/** Tries the sequence that breaks one driver on another one. */
public final class Replay {

  private Replay() {}

  /**
   * Returns how a driver fails in the sequence that was shown last.
   *
   * @param kit has found something
   * @return empty if it does not fail
   */
  public static Optional<String> ofLastFailure(ConformanceKit kit, Subject other, Limits limits) {
    Script sequence = new Script(kit.lastFailure().orElseThrow().steps());
    return new ScriptRunner(other, limits).run(sequence).map(Failure::reason);
  }
}
