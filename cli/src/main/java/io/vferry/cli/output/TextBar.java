package io.vferry.cli.output;

/** A progress bar of text. */
final class TextBar {

  private TextBar() {}

  /**
   * Draws a bar.
   *
   * @param share from 0 to 1; outside it is cut off
   * @param unicode whether the terminal shows block characters
   */
  static String draw(double share, int width, boolean unicode) {
    double inside = Double.isNaN(share) ? 0 : Math.min(1, Math.max(0, share));
    // A bar is full only at the very end, and not empty once something has moved.
    int filled = (int) Math.floor(inside * width);
    if (filled == 0 && inside > 0) {
      filled = 1;
    }
    return (unicode ? "█" : "#").repeat(filled) + (unicode ? "░" : "-").repeat(width - filled);
  }
}
