package io.vferry.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.DocumentationTool;
import javax.tools.JavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A vendor reads the comments, not the code: each type, method and exception has one. */
class SpiDocumentationTest {

  @TempDir private Path pages;

  @Test
  void everyTypeMethodAndExceptionIsDescribed() throws IOException {
    assertThat(gaps(House.ROOT.resolve("spi/src/main/java"))).isEmpty();
  }

  @Test
  void gapsAreFound(@TempDir Path sources) throws IOException {
    Path file = Files.createDirectories(sources.resolve("x")).resolve("Gap.java");
    Files.writeString(
        file,
        """
        package x;
        /** Has gaps. */
        public interface Gap {
          void bare();
          /** Throws in silence. */
          void silent() throws java.io.IOException;
        }
        """);
    assertThat(gaps(sources)).hasSize(2);
  }

  private List<String> gaps(Path sources) throws IOException {
    DocumentationTool tool = ToolProvider.getSystemDocumentationTool();
    DiagnosticCollector<JavaFileObject> found = new DiagnosticCollector<>();
    try (var manager = tool.getStandardFileManager(null, null, null);
        var files = Files.walk(sources)) {
      List<Path> javaFiles =
          files
              .filter(file -> file.toString().endsWith(".java"))
              .filter(file -> !file.endsWith("module-info.java"))
              .toList();
      List<String> options =
          List.of(
              "-quiet",
              "-Xdoclint:all",
              "-Xmaxwarns",
              "10000",
              "-d",
              pages.toString(),
              "-classpath",
              System.getProperty("java.class.path"));
      tool.getTask(
              null, manager, found, null, options, manager.getJavaFileObjectsFromPaths(javaFiles))
          .call();
    }
    return found.getDiagnostics().stream()
        .filter(gap -> gap.getMessage(Locale.ROOT).matches("(?s).*(no comment|no @throws).*"))
        .filter(gap -> !isPrivate(gap))
        .map(
            gap ->
                gap.getSource().getName()
                    + ":"
                    + gap.getLineNumber()
                    + ": "
                    + gap.getMessage(Locale.ROOT))
        .toList();
  }

  /** The form in which an exception would be serialized shows private members; nobody writes it. */
  private static boolean isPrivate(Diagnostic<? extends JavaFileObject> gap) {
    try {
      return gap.getSource()
          .getCharContent(true)
          .toString()
          .lines()
          .skip(gap.getLineNumber() - 1)
          .findFirst()
          .orElse("")
          .contains("private ");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
