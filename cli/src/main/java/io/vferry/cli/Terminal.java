package io.vferry.cli;

import io.vferry.cli.output.ProgressView;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What standard error is.
 *
 * @param interactive whether a person looks at it
 * @param colour whether escape sequences for colours are welcome
 * @param unicode whether it shows characters beyond ASCII
 * @param columns its width
 * @param rows its height
 */
record Terminal(boolean interactive, boolean colour, boolean unicode, int columns, int rows) {

  private static final int ROWS_WITHOUT_DEVICES = 6;

  /** Looks at this process's standard error. */
  static Terminal ofStandardError(Map<String, String> environment) {
    boolean interactive =
        isTerminal(Path.of("/proc/self/fd/2"))
            && !environment.getOrDefault("TERM", "dumb").equals("dumb");
    return new Terminal(
        interactive,
        interactive && environment.getOrDefault("NO_COLOR", "").isEmpty(),
        System.getProperty("native.encoding", Charset.defaultCharset().name())
            .toUpperCase(Locale.ROOT)
            .startsWith("UTF"),
        number(environment.get("COLUMNS"), 80),
        number(environment.get("LINES"), 24));
  }

  private static boolean isTerminal(Path descriptor) {
    try {
      String target = Files.readSymbolicLink(descriptor).toString();
      return target.startsWith("/dev/pts/")
          || target.startsWith("/dev/tty")
          || target.equals("/dev/console");
    } catch (IOException e) {
      return false;
    }
  }

  private static int number(@Nullable String text, int fallback) {
    return text != null && text.matches("[1-9][0-9]{0,3}") ? Integer.parseInt(text) : fallback;
  }

  /** Returns a view that fits. */
  ProgressView view(String vm, long downtimeLimitMillis) {
    return new ProgressView(
        vm,
        downtimeLimitMillis,
        columns,
        Math.max(3, rows - ROWS_WITHOUT_DEVICES),
        colour,
        unicode);
  }
}
