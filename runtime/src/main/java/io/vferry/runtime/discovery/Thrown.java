package io.vferry.runtime.discovery;

import org.jspecify.annotations.Nullable;

/** Tells on one line what foreign code threw, even if that code's exception is itself broken. */
final class Thrown {

  private static final int LONGEST_MESSAGE = 400;

  private Thrown() {}

  static String describe(Throwable thrown) {
    String type = thrown.getClass().getName();
    String message = message(thrown);
    return message == null || message.isBlank() ? type : type + ": " + message;
  }

  private static @Nullable String message(Throwable thrown) {
    String message;
    try {
      message = thrown.getMessage();
    } catch (RuntimeException | LinkageError | StackOverflowError broken) {
      return "(its message cannot be read)";
    }
    if (message == null) {
      return null;
    }
    String line = message.lines().map(String::strip).reduce((a, b) -> a + " " + b).orElse("");
    return line.length() <= LONGEST_MESSAGE ? line : line.substring(0, LONGEST_MESSAGE) + "…";
  }
}
