package io.vferry.runtime.report;

/**
 * Something that took a while, for the timeline.
 *
 * @param lane what it belongs to: a device's id, {@code memory}, {@code vm}, {@code connection-1}…
 * @param name what it was: an arc, {@code save}, {@code round 2}…
 * @param kind how to draw it
 * @param startMillis since the start of the migration
 * @param endMillis at least {@code startMillis}
 * @param bytes moved meanwhile; 0 if none
 */
public record TimelineSpan(
    String lane, String name, Kind kind, double startMillis, double endMillis, long bytes) {

  /** How to draw a span. */
  public enum Kind {
    PHASE,
    ARC,
    TRANSFER,
    PAUSE
  }
}
