package io.vferry.spi.driver;

/** What a successful arc gives. */
public sealed interface ArcOutcome {

  /** The arc happened; no stream was opened. */
  record Done() implements ArcOutcome {}

  /** The arc happened and opened a save stream, which the caller closes. */
  record Saving(SaveStream stream) implements ArcOutcome {}

  /** The arc happened and opened a load stream, which the caller closes. */
  record Loading(LoadStream stream) implements ArcOutcome {}

  /** Returns the outcome without a stream. */
  static ArcOutcome done() {
    return new Done();
  }
}
