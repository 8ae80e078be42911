package io.vferry.tck;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The page of the manual about the checks is printed by the checks. */
class ManualTest {

  private static final Path PAGE = Path.of("..", "docs", "reference", "conformance.md");

  @Test
  void pageIsWhatTheChecksSay() throws IOException {
    if ("write".equals(System.getProperty("vferry.docs"))) {
      Files.writeString(PAGE, page());
    }
    assertThat(PAGE).hasContent(page());
  }

  @Test
  void idsAreUniqueAndStable() {
    List<String> ids = ConformanceKit.checks().stream().map(Check::id).toList();
    assertThat(ids).doesNotHaveDuplicates().allMatch(id -> id.matches("[a-z]+\\.[a-z0-9-]+"));
  }

  private static String page() {
    StringBuilder out = new StringBuilder();
    out.append("# What a driver promises\n\n");
    out.append(
        "Printed by the conformance kit; see [the vendor's guide](../vendor-guide.md) for how");
    out.append(" to run it.\nThe ids are stable.\n");
    for (Chapter chapter : Chapter.values()) {
      List<Check> own =
          ConformanceKit.checks().stream().filter(check -> check.chapter() == chapter).toList();
      out.append("\n## ").append(chapter.title()).append('\n');
      for (Check check : own) {
        out.append("\n### <a id=\"").append(check.anchor()).append("\"></a>`").append(check.id());
        out.append("`\n\n").append(wrapped(check.promise())).append('\n');
        String needs =
            check.needs().stream().map(need -> need.wants()).collect(Collectors.joining("; "));
        if (!needs.isEmpty()) {
          out.append("\n").append(wrapped("Not applicable if " + needs + ".")).append('\n');
        }
      }
    }
    return out.toString();
  }

  private static String wrapped(String text) {
    StringBuilder out = new StringBuilder();
    int column = 0;
    for (String word : text.split(" ")) {
      if (column > 0 && column + 1 + word.length() > 100) {
        out.append('\n');
        column = 0;
      } else if (column > 0) {
        out.append(' ');
        column++;
      }
      out.append(word);
      column += word.length();
    }
    return out.toString();
  }
}
