package io.vferry.cli.output;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Text in columns that are as wide as they must be; the last one is not padded. */
final class TextTable {

  private static final String GAP = "  ";
  private static final int WIDTH = 79;
  private static final int LEAST_ROOM = 24;

  private final List<List<String>> rows = new ArrayList<>();

  void add(String... cells) {
    rows.add(Arrays.asList(cells));
  }

  boolean isEmpty() {
    return rows.isEmpty();
  }

  /** Returns the lines, each after an indent; a long last cell goes on below itself. */
  List<String> lines(String indent) {
    int columns = rows.stream().mapToInt(List::size).max().orElse(0);
    int[] widths = new int[columns];
    for (List<String> row : rows) {
      for (int i = 0; i < row.size(); i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    List<String> lines = new ArrayList<>();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder(indent);
      for (int i = 0; i < row.size() - 1; i++) {
        line.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length())).append(GAP);
      }
      int start = line.length();
      String rest = row.get(row.size() - 1);
      for (int cut = cut(rest, WIDTH - start); cut > 0; cut = cut(rest, WIDTH - start)) {
        lines.add(line + rest.substring(0, cut));
        line = new StringBuilder(" ".repeat(start));
        rest = rest.substring(cut + 1);
      }
      lines.add(line.append(rest).toString().stripTrailing());
    }
    return lines;
  }

  /** Returns where to break a text for which there is so much room; 0 if it stays whole. */
  private static int cut(String text, int room) {
    return text.length() <= room || room < LEAST_ROOM
        ? 0
        : Math.max(0, text.lastIndexOf(' ', room));
  }
}
