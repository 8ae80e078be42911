package io.vferry.tck;

import java.util.List;

/**
 * How a sequence broke a promise.
 *
 * @param kind which way
 * @param reason one sentence
 * @param steps the steps that were taken, with the one that failed as the last
 * @param hung whether a call did not return; such a sequence is not made shorter
 */
record Failure(String kind, String reason, List<Step> steps, boolean hung) {

  Failure {
    steps = List.copyOf(steps);
  }
}
