package io.vferry.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the documents promise to list, they list; where they point, something is. */
class DocumentsTest {

  private static final Pattern LINK = Pattern.compile("]\\((?!https?:|#)([^)#]+)");

  @Test
  void eachDependencyHasItsReason() throws IOException {
    String pom = read("pom.xml");
    String page = read("docs/dependencies.md");
    List<String> artifacts =
        Pattern.compile("<artifactId>([^<]+)</artifactId>")
            .matcher(pom)
            .results()
            .map(match -> match.group(1))
            .filter(name -> !name.startsWith("vferry-"))
            .filter(name -> !name.matches("maven-\\w+-plugin"))
            .distinct()
            .toList();
    assertThat(artifacts).hasSizeGreaterThan(10);
    assertThat(artifacts).allSatisfy(name -> assertThat(page).contains("`" + name + "`"));
  }

  @Test
  void eachModuleIsInTheHouse() throws IOException {
    String page = read("docs/architecture.md");
    assertThat(House.folders()).allSatisfy(name -> assertThat(page).contains("| `" + name + "` |"));
    assertThat(House.rooms())
        .allSatisfy(room -> assertThat(page).contains("| `" + room.name() + "` |"));
  }

  @Test
  void eachRuleIsKeptByATestThatExists() throws IOException {
    Matcher names = Pattern.compile("`(\\w+Test|Laws)\\.(\\w+)`").matcher(read("CONTRIBUTING.md"));
    int found = 0;
    while (names.find()) {
      found++;
      Path source = Path.of("src/test/java/io/vferry/architecture", names.group(1) + ".java");
      assertThat(source).content().as(names.group()).contains(" " + names.group(2) + "(");
    }
    assertThat(found).isGreaterThan(10);
  }

  @Test
  void linksLeadSomewhere() throws IOException {
    List<Path> pages;
    try (var files = Files.walk(House.ROOT.resolve("docs"))) {
      pages =
          Stream.concat(
                  Stream.of("README.md", "CONTRIBUTING.md").map(House.ROOT::resolve),
                  files.filter(file -> file.toString().endsWith(".md")))
              .toList();
    }
    for (Path page : pages) {
      Matcher links = LINK.matcher(Files.readString(page));
      while (links.find()) {
        assertThat(page.resolveSibling(links.group(1))).as("link of %s", page).exists();
      }
    }
  }

  private static String read(String file) throws IOException {
    return Files.readString(House.ROOT.resolve(file));
  }
}
