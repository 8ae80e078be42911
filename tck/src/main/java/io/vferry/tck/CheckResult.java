package io.vferry.tck;

import java.util.List;

/**
 * What became of one check.
 *
 * @param check which
 * @param verdict the outcome
 * @param reason why it failed or does not apply, one sentence; empty if it passed
 * @param sequence the shortest sequence found that breaks the promise, one step each; empty unless
 *     it failed
 * @param scripts how many sequences were tried
 */
public record CheckResult(
    Check check, Verdict verdict, String reason, List<String> sequence, int scripts) {

  /** Creates a result; the sequence is copied. */
  public CheckResult {
    sequence = List.copyOf(sequence);
  }

  /** Returns what is shown of a check that failed: id, reason, promise, numbered sequence. */
  public String explanation() {
    StringBuilder text = new StringBuilder();
    text.append(check.id()).append(" is broken: ").append(reason).append('\n');
    text.append("The promise: ").append(check.promise()).append('\n');
    text.append("The manual: ").append(check.manual());
    check.needs().stream()
        .flatMap(need -> need.denial().stream())
        .forEach(denial -> text.append('\n').append(denial));
    if (!sequence.isEmpty()) {
      text.append("\nThe shortest sequence that breaks it:");
      int number = 1;
      for (String step : sequence) {
        text.append("\n  ").append(number++).append(". ").append(step);
      }
    }
    return text.toString();
  }
}
