package io.vferry.tck;

import io.vferry.spi.error.MigrationException;
import java.util.function.Predicate;

/**
 * One step of a sequence.
 *
 * @param text for people
 * @param possible whether it makes sense where the devices are now; one that does not is left out
 */
record Step(String text, Predicate<Scene> possible, Action action) {

  /** What a step does. */
  @FunctionalInterface
  interface Action {
    void run(Scene scene) throws MigrationException, Violation;
  }

  static Step of(String text, Action action) {
    return new Step(text, scene -> true, action);
  }

  Step onlyIf(Predicate<Scene> condition) {
    return new Step(text, possible.and(condition), action);
  }
}
