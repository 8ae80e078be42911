package io.vferry.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import io.vferry.architecture.House.Room;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** All error codes of all modules, as the manual lists them. */
@TestInstance(Lifecycle.PER_CLASS)
class ErrorCodesTest {

  private static final String CODE = "io.vferry.spi.error.ErrorCode";

  private record Code(int number, String label, String name, String advice, String owner) {}

  private final List<Code> codes = codes();

  @Test
  void thereAreSome() {
    assertThat(codes).hasSizeGreaterThan(15);
  }

  @Test
  void eachNumberMeansOneThing() {
    assertThat(codes).extracting(Code::number).doesNotHaveDuplicates();
  }

  @Test
  void eachIsInTheRangeOfItsModule() {
    assertThat(codes)
        .allSatisfy(
            code -> {
              if (code.owner().startsWith("io.vferry.spi.")) {
                assertThat(code.number()).as(code.name()).isBetween(1000, 1999);
              } else if (code.owner().startsWith("io.vferry.runtime.")) {
                assertThat(code.number()).as(code.name()).isBetween(2000, 2999);
              } else if (code.owner().startsWith("io.vferry.cli.")) {
                assertThat(code.number()).as(code.name()).isBetween(3000, 3999);
              } else {
                assertThat(code.number()).as(code.name()).isGreaterThanOrEqualTo(10_000);
              }
            });
  }

  @Test
  void eachAdvisesInOneSentence() {
    assertThat(codes).allSatisfy(code -> assertThat(code.advice()).matches("[A-Z][^\n|]+\\."));
  }

  /**
   * To write the page anew: mvn test -pl architecture-tests -Dtest=ErrorCodesTest
   * -Dvferry.docs=write
   */
  @Test
  void theManualListsThem() throws IOException {
    Path page = House.ROOT.resolve("docs/reference/errors.md");
    if ("write".equals(System.getProperty("vferry.docs"))) {
      Files.createDirectories(page.getParent());
      Files.writeString(page, markdown());
    }
    assertThat(page).hasContent(markdown());
  }

  private String markdown() {
    StringBuilder page =
        new StringBuilder(
            """
            # Error codes

            A code never changes its meaning. 1000 to 1999: drivers and devices; 2000 to 2999: the \
            runtime; 3000 to 3999: the command; from 10000: vendors.

            | code | name | what to do |
            |---|---|---|
            """);
    for (Code code : codes) {
      page.append("| %s | %s | %s |\n".formatted(code.label(), code.name(), code.advice()));
    }
    return page.toString();
  }

  private static List<Code> codes() {
    List<Code> codes = new ArrayList<>();
    try (URLClassLoader loader = new URLClassLoader(urls(), ClassLoader.getPlatformClassLoader())) {
      for (JavaClass type : House.classes()) {
        if (type.isEnum() && type.isAssignableTo(CODE)) {
          Class<?> code = loader.loadClass(CODE);
          for (Object constant : loader.loadClass(type.getName()).getEnumConstants()) {
            codes.add(
                new Code(
                    (int) code.getMethod("number").invoke(constant),
                    (String) code.getMethod("label").invoke(constant),
                    (String) code.getMethod("name").invoke(constant),
                    (String) code.getMethod("advice").invoke(constant),
                    type.getName()));
          }
        }
      }
    } catch (ReflectiveOperationException | IOException e) {
      throw new IllegalStateException(e);
    }
    codes.sort(Comparator.comparingInt(Code::number));
    return codes;
  }

  private static URL[] urls() throws MalformedURLException {
    List<URL> urls = new ArrayList<>();
    for (Room room : House.rooms()) {
      urls.add(room.classes().toUri().toURL());
    }
    return urls.toArray(URL[]::new);
  }
}
