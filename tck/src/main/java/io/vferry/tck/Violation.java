package io.vferry.tck;

/** A promise was broken. */
final class Violation extends Exception {

  private static final long serialVersionUID = 1;

  private final String kind;

  /**
   * Creates a violation.
   *
   * @param kind tells one way to break a promise from another, so that making a sequence shorter
   *     does not change what it shows
   */
  Violation(String kind, String message) {
    super(message);
    this.kind = kind;
  }

  Violation(String kind, String message, Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  String kind() {
    return kind;
  }
}
