package io.vferry.cli.manifest;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** Guesses what somebody meant who mistyped a word. */
public final class Spelling {

  private Spelling() {}

  /** Returns the end of a message: a guess if one is near enough, otherwise all that is known. */
  public static String hint(String word, Collection<String> known) {
    Optional<String> near = nearest(word, known);
    if (near.isPresent()) {
      return "did you mean '" + near.get() + "'?";
    }
    return known.isEmpty() ? "there is none" : "known: " + String.join(", ", known);
  }

  static Optional<String> nearest(String word, Collection<String> known) {
    if (word.length() > 64) {
      return Optional.empty();
    }
    int limit = Math.max(1, word.length() / 3);
    return known.stream()
        .filter(candidate -> distance(word, candidate) <= limit)
        .min(Comparator.comparingInt(candidate -> distance(word, candidate)));
  }

  /** Counts the letters to insert, remove, change or swap with their neighbour. */
  private static int distance(String a, String b) {
    int[][] steps = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        steps[i][j] = i == 0 || j == 0 ? i + j : step(steps, a, b, i, j);
      }
    }
    return steps[a.length()][b.length()];
  }

  private static int step(int[][] steps, String a, String b, int i, int j) {
    char left = Character.toLowerCase(a.charAt(i - 1));
    char right = Character.toLowerCase(b.charAt(j - 1));
    int best =
        Math.min(
            steps[i - 1][j - 1] + (left == right ? 0 : 1),
            1 + Math.min(steps[i - 1][j], steps[i][j - 1]));
    if (i > 1
        && j > 1
        && left == Character.toLowerCase(b.charAt(j - 2))
        && right == Character.toLowerCase(a.charAt(i - 2))) {
      best = Math.min(best, steps[i - 2][j - 2] + 1);
    }
    return best;
  }
}
